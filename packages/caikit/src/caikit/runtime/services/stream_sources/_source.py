"""A data object that names a source of elements and is the stream over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from caikit.core.data_model import DataStream
from caikit.runtime.engine.status import Status
from caikit.runtime.services._errors import runtime_error

if TYPE_CHECKING:
    from ._plugin import DataStreamSourcePlugin

__all__ = ["DataStreamSourceBase"]


class DataStreamSourceBase(DataStream[Any]):
    """Base of all source messages; opened when it is first iterated."""

    ELEMENT_TYPE: ClassVar[type[Any]]
    PLUGINS: ClassVar[list[DataStreamSourcePlugin]]

    _private_slots = ()
    _opened: DataStream[Any] | None = None

    def __post_init__(self) -> None:
        """Refuses data that a client may not reach before anything is started with it."""
        source = self._source
        if source is not None:
            self._plugin_of(source).check_access(source)

    def to_data_stream(self) -> DataStream[Any]:
        """The stream over the source; no source is an empty stream."""
        source = self._source
        if source is None:
            return DataStream.from_iterable([])
        return self._plugin_of(source).to_data_stream(source, self.ELEMENT_TYPE)

    def is_empty(self) -> bool:
        """Whether there is nothing to read; reads the first element."""
        for _ in self:
            return False
        return True

    @property
    def generator_func(self) -> Any:  # type: ignore[override]  # a plain attribute in streams with a source function
        return self.to_data_stream

    @property
    def generator_args(self) -> tuple[Any, ...]:  # type: ignore[override]  # as above
        return ()

    @property
    def generator_kwargs(self) -> dict[str, Any]:  # type: ignore[override]  # as above
        return {}

    def __iter__(self) -> Iterator[Any]:
        if self._opened is None:
            self._opened = self.to_data_stream()
        return iter(self._opened)

    def __reduce__(self) -> tuple[Any, ...]:
        from ._classes import restore

        return restore, (type(self).full_name, self.ELEMENT_TYPE, self.to_binary_buffer())  # type: ignore[attr-defined]  # the subclasses are data objects

    @property
    def _source(self) -> Any:
        return self.data_stream  # type: ignore[attr-defined]  # the field of the subclasses

    def _plugin_of(self, source: Any) -> DataStreamSourcePlugin:
        for plugin in self.PLUGINS:
            if isinstance(source, plugin.get_stream_message_type(self.ELEMENT_TYPE)):
                return plugin
        raise runtime_error(
            Status.INVALID_ARGUMENT,
            f"expected a source of {type(self).__name__}, got {type(source).__name__}",
        )
