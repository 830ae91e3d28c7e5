"""How the methods of several modules become one RPC."""

import uuid
from collections.abc import Iterable

import pytest

from caikit.core import (
    BackendBase,
    DataObjectBase,
    ModuleBase,
    TaskBase,
    backend_types,
    dataobject,
    module,
    task,
)
from caikit.core.data_model import DataStream
from caikit.runtime.names import ServiceType

PACKAGE = "tests.service_merging"


@dataobject(PACKAGE)
class Said(DataObjectBase):
    text: str


@dataobject(PACKAGE)
class Shouted(Said):
    loud: bool


@task(
    unary_parameters={"who": str},
    streaming_parameters={"all_of": Iterable[str]},
    unary_output_type=Said,
    streaming_output_type=Iterable[Said],
)
class SayTask(TaskBase):
    """Says something"""


@task(unary_parameters={"who": str}, unary_output_type=Said)
class WhisperTask(TaskBase):
    pass


def made(number, cls, tasks=(SayTask,)):
    """Registers a module whose id sorts by the number."""
    return module(id=f"{number}-{uuid.uuid4()}", name="Say", version="0.0.1", tasks=list(tasks))(cls)


class Short(ModuleBase):
    def run(self, who: str, times: int = 1) -> Said:
        return Said(who)


class Long(ModuleBase):
    def run(self, loud: bool = False, who: str | None = None, times: int = 2) -> Said:
        return Said(who)


SHORT = made(1, Short)
LONG = made(2, Long)


def names(message):
    return [field.name for field in message.DESCRIPTOR.fields]


def test_the_first_appearance_fixes_the_position(serve):
    package = serve(LONG, SHORT)
    assert names(package.messages.SayTaskRequest) == ["who", "times", "loud"]
    assert package.caikit_rpcs["SayTaskPredict"].module_list == [SHORT, LONG]


def test_a_default_anywhere_makes_the_field_optional_and_the_last_one_is_kept(serve):
    package = serve(SHORT, LONG)
    message = package.messages.SayTaskRequest
    assert message.DESCRIPTOR.fields_by_name["who"].has_presence
    request = package.caikit_rpcs["SayTaskPredict"].request.data_class()
    assert (request.who, request.times, request.loud) == (None, 2, False)
    assert not message().HasField("times")


def test_without_a_module_its_fields_are_gone(serve):
    assert names(serve(SHORT).messages.SayTaskRequest) == ["who", "times"]


def test_a_contradicting_module_is_left_out_of_the_rpc_only(serve, caplog):
    class Worded(ModuleBase):
        def run(self, who: str, times: str = "once") -> Said:
            return Said(who)

    worded = made(3, Worded, (SayTask, WhisperTask))
    package = serve(SHORT, worded)
    assert package.caikit_rpcs["SayTaskPredict"].module_list == [SHORT]
    assert package.caikit_rpcs["WhisperTaskPredict"].module_list == [worded]
    (line,) = [record.getMessage() for record in caplog.records if "is not served by" in record.getMessage()]
    assert "Worded.run is not served by SayTaskPredict" in line
    assert "'times'" in line
    assert "int" in line
    assert "str" in line


def test_a_module_with_another_result_is_left_out(serve, caplog):
    class Shouting(ModuleBase):
        def run(self, who: str) -> Shouted:
            return Shouted(who, True)

    package = serve(SHORT, made(3, Shouting))
    assert package.caikit_rpcs["SayTaskPredict"].module_list == [SHORT]
    assert "expected return type Said, got Shouted" in caplog.text


def test_names_that_no_message_can_have_cost_one_rpc(serve, caplog):
    class Colliding(ModuleBase):
        def run(self, who: str, u: int | str = 1, u_int: int = 2) -> Said:
            return Said(who)

    class Foreign(ModuleBase):
        @SayTask.taskmethod(output_streaming=True)
        def run_out(self, who: str, größe: int = 1) -> Iterable[Said]:
            return []

    colliding, foreign = made(1, Colliding, (WhisperTask,)), made(2, Foreign)
    package = serve(SHORT, colliding, foreign)
    assert list(package.caikit_rpcs) == ["SayTaskPredict"]
    assert "WhisperTaskPredict of" in caplog.text
    assert "Foreign.run_out is not served" in caplog.text


def test_jobs_of_a_contradicting_module_do_not_stop_the_build(serve):
    class Numbered(ModuleBase):
        def run(self, who: str, times: float = 1.0) -> Said:
            return Said(who)

    package = serve(SHORT, made(4, Numbered), service_type=ServiceType.JOB_INFERENCE)
    assert sorted(package.caikit_rpcs) == [
        "SayTaskCancelPredictionJob",
        "SayTaskGetPredictionJobResult",
        "SayTaskGetPredictionJobStatus",
        "SayTaskStartPredictionJob",
    ]


def test_all_flavours_and_their_elements(serve):
    class Every(ModuleBase):
        @SayTask.taskmethod()
        def one(self, who: str) -> Said:
            return Said(who)

        @SayTask.taskmethod(output_streaming=True)
        def out(self, who: str, count: int = 2) -> DataStream[Said]:
            return DataStream.from_iterable([Said(who)] * count)

        @SayTask.taskmethod(input_streaming=True)
        def into(self, all_of: DataStream[str], end: str = "!") -> Said:
            return Said("".join(all_of) + end)

        @SayTask.taskmethod(input_streaming=True, output_streaming=True, context_arg="native")
        def both(self, all_of: DataStream[str], native: str | None = None) -> Iterable[Said]:
            return map(Said, all_of)

    package = serve(made(1, Every))
    rpcs = package.caikit_rpcs
    assert {name: (rpc.input_streaming, rpc.output_streaming) for name, rpc in rpcs.items()} == {
        "BidiStreamingSayTaskPredict": (True, True),
        "ClientStreamingSayTaskPredict": (True, False),
        "SayTaskPredict": (False, False),
        "ServerStreamingSayTaskPredict": (False, True),
    }
    assert all(rpc.return_type is Said for rpc in rpcs.values())
    assert names(package.messages.ClientStreamingSayTaskRequest) == ["all_of", "end"]
    assert names(package.messages.BidiStreamingSayTaskRequest) == ["all_of"]
    element = package.messages.ClientStreamingSayTaskRequest.DESCRIPTOR.fields_by_name["all_of"]
    assert not element.is_repeated


@pytest.mark.parametrize(
    ("task_types", "rpcs"),
    [
        ({"included": ["SayTask"]}, ["SayTaskPredict"]),
        ({"excluded": ["SayTask"]}, ["WhisperTaskPredict"]),
    ],
)
def test_task_filters_hold_class_names(serve, task_types, rpcs):
    both = made(5, type("Both", (Short,), {"__module__": __name__}), (SayTask, WhisperTask))
    assert list(serve(both, task_types=task_types).caikit_rpcs) == rpcs


def test_excluded_modules_are_not_served(serve):
    package = serve(SHORT, LONG, module_guids={"included": [], "excluded": [LONG.MODULE_ID]})
    assert LONG not in package.caikit_rpcs["SayTaskPredict"].module_list


class SpareBackend(BackendBase):
    backend_type = f"SPARE{uuid.uuid4().hex.upper()}"

    def register_config(self, config):
        pass

    def start(self):
        pass

    def stop(self):
        pass


def test_other_backends_join_for_modules_of_the_library_only(serve):
    backend_types.register_backend_type(SpareBackend)
    base = made(1, type("Base", (Short,), {"__module__": __name__}))
    foreign = made(2, type("Foreign", (Short,), {"__module__": "some_other_library.modules"}))

    def run(self, who: str, times: int = 1, extra: bool = False) -> Said:
        return Said(who)

    spare, foreign_spare = (
        module(base_module=of, backend_type=SpareBackend.backend_type)(
            type("Spare", (ModuleBase,), {"run": run, "__module__": "some_other_library.backends"})
        )
        for of in (base, foreign)
    )
    package = serve(base, foreign)
    assert package.caikit_rpcs["SayTaskPredict"].module_list == [base, spare]
    assert names(package.messages.SayTaskRequest) == ["who", "times", "extra"]
    assert foreign_spare.MODULE_ID == foreign.MODULE_ID


def test_the_same_build_twice_is_the_same_package(serve):
    from caikit.runtime.service_factory import ServicePackageFactory

    package = serve(SHORT)
    again = ServicePackageFactory().get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
    assert again == package
    assert again.descriptor is package.descriptor
    assert again.messages.SayTaskRequest is package.messages.SayTaskRequest


def test_a_library_that_does_not_exist(temp_config):
    import grpc

    from caikit.runtime.service_factory import ServicePackageFactory
    from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

    temp_config({"runtime": {"library": "there_is_no_such_library"}})
    with pytest.raises(CaikitRuntimeException, match="Unable to find spec for module: there_is_no") as caught:
        ServicePackageFactory.get_service_package(ServiceType.INFERENCE)
    assert caught.value.status_code is grpc.StatusCode.NOT_FOUND


@task(unary_parameters={"number": complex}, unary_output_type=Said)
class CountTask(TaskBase):
    pass


def test_an_input_without_message_type_leaves_out_its_rpc(serve, caplog):
    class Counting(ModuleBase):
        def run(self, number: complex) -> Said:
            return Said(str(number))

    package = serve(SHORT, made(4, Counting, (CountTask,)))
    assert list(package.caikit_rpcs) == ["SayTaskPredict"]
    assert "its input number has no message type" in caplog.text
