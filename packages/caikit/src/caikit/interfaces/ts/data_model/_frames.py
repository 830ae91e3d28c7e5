"""What data objects over a data frame have in common."""

from __future__ import annotations

import sys
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, ClassVar

from ._arrays import has_value
from .backends.spark_util import is_spark

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase

    _Base = DataObjectBase
else:
    _Base = object


def is_frame(data: Any) -> bool:
    """True for data frames of pandas and of Spark."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return True
    return is_spark(data) and hasattr(data, "columns")


def check_items(what: str, cls: type[Any], items: Any) -> None:
    """A TypeError for anything but None and a list of objects of a class."""
    if items is None:
        return
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"expected a list of {cls.__name__} for the {what}, got {type(items).__name__}")
    for item in items:
        if not isinstance(item, cls):
            raise TypeError(f"expected {cls.__name__} in the {what}, got {type(item).__name__}")


class OverFrame(_Base):
    """Fields come from a frame when they are read, and a pickle holds what there is instead of everything."""

    __slots__ = ()
    _frame_fields: ClassVar[tuple[str, ...]]
    """The slots whose values, once they are assigned, count more than the frame."""

    def _frame_backend(self) -> Any:
        """The backend with the frame, if what it holds still is what the object holds."""
        from .backends._frame_backends import FrameBackend

        backend = self.backend
        if isinstance(backend, FrameBackend) and not any(has_value(self, n) for n in self._frame_fields):
            return backend
        return None

    def __getstate__(self) -> dict[str, Any]:
        state = {}
        for cls in type(self).__mro__:
            for name, slot in vars(cls).items():
                if isinstance(slot, MemberDescriptorType):
                    try:
                        state[name] = slot.__get__(self)
                    except AttributeError:
                        continue
        return state


__all__ = ["OverFrame", "check_items", "is_frame"]
