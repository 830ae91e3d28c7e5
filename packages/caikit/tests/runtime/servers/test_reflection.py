"""Whatever reflection lists, it can describe."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

LIBRARY = """
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

@dataobject("plain_lib")
class Reply(DataObjectBase):
    text: str

@task(unary_parameters={"text": str}, unary_output_type=Reply)
class ReplyTask(TaskBase):
    pass
"""
MODULE = """
@module("7f1b5c4e-0000-4000-8000-0000000000b1", "Replier", "1.0.0", task=ReplyTask)
class Replier(ModuleBase):
    def run(self, text: str) -> Reply:
        return Reply(text)
"""
TRAIN = """
    @classmethod
    def train(cls, count: int) -> "Replier":
        return cls()
"""


class Reflection:
    """What a server says of itself."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    def ask(self, **question):
        request = reflection_pb2.ServerReflectionRequest(**question)
        (answer,) = self._stub.ServerReflectionInfo(iter([request]), timeout=10)
        return answer

    def services(self):
        answer = self.ask(list_services="")
        return sorted(service.name for service in answer.list_services_response.service)

    def pool_for(self, service):
        """A pool with the descriptors of one service and all that they refer to."""
        pool, known = descriptor_pool.DescriptorPool(), set()

        def load(**question):
            answer = self.ask(**question)
            assert answer.HasField("file_descriptor_response"), answer
            for serialized in answer.file_descriptor_response.file_descriptor_proto:
                file = descriptor_pb2.FileDescriptorProto.FromString(serialized)
                if file.name not in known:
                    known.add(file.name)
                    for name in file.dependency:
                        if name not in known:
                            load(file_by_filename=name)
                    pool.Add(file)

        load(file_containing_symbol=service)
        return pool


@pytest.mark.parametrize("transport", ["standard", "native"])
@pytest.mark.parametrize(
    ("library", "more"),
    [
        (LIBRARY, []),
        (
            LIBRARY + MODULE,
            ["caikit.runtime.PlainLib.PlainLibJobService", "caikit.runtime.PlainLib.PlainLibService"],
        ),
        (
            LIBRARY + MODULE + TRAIN,
            [
                "caikit.runtime.PlainLib.PlainLibJobService",
                "caikit.runtime.PlainLib.PlainLibService",
                "caikit.runtime.PlainLib.PlainLibTrainingService",
            ],
        ),
    ],
    ids=["no modules", "nothing to train", "everything"],
)
def test_all_services_are_described(start_program, tmp_path, transport, library, more):
    (tmp_path / "plain_lib.py").write_text(library)
    program = start_program("-m", "caikit.runtime.grpc_server", library="plain_lib", transport=transport)
    with grpc.insecure_channel(f"127.0.0.1:{program.port('grpc')}") as channel:
        reflection = Reflection(channel)
        services = reflection.services()
        assert set(services) >= {
            "caikit.runtime.info.InfoService",
            "caikit.runtime.models.ModelManagement",
            "caikit.runtime.training.TrainingManagement",
            "grpc.reflection.v1alpha.ServerReflection",
            "mmesh.ModelRuntime",
            *more,
        }
        for service in services:
            described = reflection.pool_for(service).FindServiceByName(service)
            assert described.methods
