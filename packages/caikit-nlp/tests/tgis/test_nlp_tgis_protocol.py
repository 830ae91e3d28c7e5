"""The messages of `fmaas.GenerationService`."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from caikit_tgis_backend.protobufs import _interface_file, generation_pb2, generation_pb2_grpc

FILE = Path(_interface_file.__file__).with_name("generation.proto")


def test_the_interface_file_is_read_as_protoc_reads_it(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc", reason="protoc is not installed")
    out = tmp_path / "descriptors"
    assert protoc.main(["", f"-I{FILE.parent}", f"--descriptor_set_out={out}", FILE.name]) == 0
    [expected] = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    assert _interface_file.read_interface_file(FILE.name, FILE.read_text()) == expected


@pytest.mark.parametrize("text", ["message A {", "package a", "import b;", "message A { string a = ; }"])
def test_what_is_no_interface_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        _interface_file.read_interface_file("a.proto", text)


def test_messages_and_enumerations() -> None:
    request = generation_pb2.SingleGenerationRequest(
        model_id="m",
        request=generation_pb2.GenerationRequest(text="a"),
        params=generation_pb2.Parameters(
            method=generation_pb2.SAMPLE,
            decoding=generation_pb2.DecodingParameters(
                choice=generation_pb2.DecodingParameters.StringChoices(choices=["a", "b"])
            ),
        ),
    )
    assert generation_pb2.SingleGenerationRequest.FromString(request.SerializeToString()) == request
    assert not request.HasField("prefix_id")
    assert request.params.decoding.WhichOneof("guided") == "choice"
    assert generation_pb2.StopReason.Name(5) == "STOP_SEQUENCE"
    assert generation_pb2.StopReason.TOKEN_LIMIT == generation_pb2.TOKEN_LIMIT == 6
    assert generation_pb2.DecodingMethod.items() == [("GREEDY", 0), ("SAMPLE", 1)]
    assert generation_pb2.ModelInfoResponse.ENCODER_DECODER == 1
    with pytest.raises(ValueError, match="DecodingMethod"):
        generation_pb2.DecodingMethod.Value("BEAM")


def test_names() -> None:
    for module in (generation_pb2, generation_pb2_grpc):
        assert all(hasattr(module, name) for name in module.__all__)
