"""Data streams over files, and the sources of training data that a server opens for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from caikit.core import DataObjectBase, dataobject
from caikit.core.data_model import DataStream
from caikit.interfaces.common.data_model.stream_sources import FileReference
from caikit.runtime.service_generation.data_stream_source import make_data_stream_source


@dataobject("benchmarks")
class BenchmarkRecord(DataObjectBase):
    number: int
    text: str
    label: str
    score: float


def source(path: str) -> Iterable[Any]:
    """As in a server: the bytes of a training request name the file."""
    source_class: Any = make_data_stream_source(BenchmarkRecord)
    received = source_class(data_stream=FileReference(filename=path)).to_binary_buffer()
    opened: Iterable[Any] = source_class.from_binary_buffer(received)
    return opened


READERS: dict[str, Callable[[str], Iterable[Any]]] = {
    "csv rows": DataStream.from_csv,
    "csv dicts": DataStream.from_header_csv,
    "csv objects": source,
    "json dicts": DataStream.from_json_array,
    "json objects": source,
    "jsonl dicts": DataStream.from_jsonl,
    "jsonl objects": source,
}
