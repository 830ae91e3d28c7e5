"""Data objects that all domains share."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.common.data_model import (
    BoolSequence,
    ConnectionInfo,
    ConnectionTlsInfo,
    File,
    FloatSequence,
    IntSequence,
    ProducerId,
    Sequence,
    StrSequence,
)
from caikit.interfaces.common.data_model.producer import ProducerPriority
from caikit.interfaces.common.data_model.stream_sources import S3Files, S3Path
from caikit.interfaces.runtime.data_model import (
    DeployModelRequest,
    JobStatus,
    ModelInfo,
    ModelInfoResponse,
    RuntimeInfoResponse,
    TrainingStatusResponse,
)


@dataobject("tests.common_data")
class Lists(DataObjectBase):
    either: IntSequence | StrSequence


OBJECTS = [
    File(b"\x00\xff", "a.bin", "application/octet-stream"),
    ProducerPriority([ProducerId("a", "1"), ProducerId("b", "2")]),
    IntSequence([1, 2]),
    BoolSequence([True, False]),
    ConnectionInfo("host", 5, ConnectionTlsInfo(True, True), 7, {"a": 1, "b": "c"}, 2, {"d": 1.5}, 0.5),
    S3Path("e", "r", "b", "ak", "sk", "id", "key", path="p"),
    ModelInfoResponse([ModelInfo("p", "n", 3, {"k": [1]}, True, "m", {"a": "b"})]),
    RuntimeInfoResponse("1.0", {"caikit": "1"}),
    DeployModelRequest("m", [File(b"1", "config.yml", "text/yaml")]),
    TrainingStatusResponse(
        "t",
        JobStatus.RUNNING.value,
        datetime.datetime(2024, 1, 2, 3, 4, 5),
        datetime.datetime(2024, 1, 3),
        ["why"],
    ),
]


@pytest.mark.parametrize("data", OBJECTS, ids=lambda data: type(data).__name__)
def test_round_trips(data: Any) -> None:
    cls = type(data)
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_json(data.to_json()) == data
    assert cls.from_binary_buffer(data.to_binary_buffer()) == data


def test_producers_add_up() -> None:
    assert ProducerId("a", "1.2.3") + ProducerId("b", "4") == ProducerId("a & b", "0.0.0")


def test_sequences() -> None:
    for sequence in (IntSequence([1]), FloatSequence([1.0]), StrSequence(["a"]), BoolSequence([True])):
        assert isinstance(sequence, Sequence)


def test_sequences_in_unions_hold_plain_lists() -> None:
    assert Lists.from_json({"either_strsequence": {"values": ["a"]}}).either == ["a"]
    assert Lists.from_proto(Lists(IntSequence([1, 2])).to_proto()).either == [1, 2]


def test_s3_secrets_are_not_printed() -> None:
    source = S3Files("end", "reg", "buck", "AKEY", "SKEY", "me", "APIKEY", files=["a"])
    for text in (repr(source), str(source), f"{source}"):
        assert "buck" in text
        assert "KEY" not in text
    assert S3Files.from_json(source.to_json()).secretKey == "SKEY"


def test_connection_defaults() -> None:
    plain = ConnectionInfo("host")
    assert (plain.port, plain.timeout, plain.retries, plain.max_session_age) == (80, 60, 1, -1)
    assert (plain.options, plain.retry_options) == ({}, {})
    assert plain.tls == ConnectionTlsInfo()
    assert ConnectionInfo("host", tls={"enabled": True}).port == 443
    assert ConnectionInfo("host", tls=None).tls.enabled is False
    assert ConnectionInfo("host", timeout=None).timeout is None


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"hostname": 5},
        {"hostname": "h", "port": "80"},
        {"hostname": "h", "tls": "yes"},
        {"hostname": "h", "timeout": "5"},
        {"hostname": "h", "options": {"a": []}},
        {"hostname": "h", "retry_options": [1]},
        {"hostname": "h", "retries": 1.5},
        {"hostname": "h", "max_session_age": "long"},
    ],
)
def test_connection_types(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ConnectionInfo(**arguments)


def test_tls_files_are_read_once_and_when_needed(tmp_path: Path) -> None:
    paths = {kind: tmp_path / f"{kind}.pem" for kind in ("ca", "cert", "key")}
    for kind, path in paths.items():
        path.write_text(kind)
    tls = ConnectionTlsInfo(True, False, *(str(path) for path in paths.values()))
    assert tls.mtls_enabled
    assert (tls.ca_data, tls.cert_data, tls.key_data) == (b"ca", b"cert", b"key")
    paths["ca"].unlink()
    assert tls.ca_data == b"ca"
    assert ConnectionTlsInfo.from_proto(tls.to_proto()) == tls


@pytest.mark.parametrize(
    ("kind", "files"), [("CA", {"ca_file": "none"}), ("Cert", {"cert_file": "none", "key_file": "n"})]
)
def test_missing_tls_files(kind: str, files: dict[str, str]) -> None:
    tls = ConnectionTlsInfo(enabled=True, **files)
    with pytest.raises(FileNotFoundError, match=f"Unable to find TLS {kind} File none"):
        _ = getattr(tls, f"{kind.lower()}_data")


def test_certificate_and_key_go_together() -> None:
    with pytest.raises(ValueError, match=r"Invalid TLS values\. Both cert and key must be provided:"):
        ConnectionTlsInfo(enabled=True, cert_file="cert.pem")
    off = ConnectionTlsInfo(enabled=False, ca_file="none", cert_file="none")
    assert not off.mtls_enabled
    assert off.ca_data is None
