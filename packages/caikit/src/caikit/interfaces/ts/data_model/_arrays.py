"""Messages around one list of numbers that stays an array until somebody asks for the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from caikit.core.data_model.data_backends import DataModelBackendBase

from ._json_numbers import floats_from_json, json_numbers

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase

    _Base = DataObjectBase
else:
    _Base = object


class ArrayBackend(DataModelBackendBase):
    """The list of an object, over an array."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def get_attribute(self, data_model_class: type[Any], name: str) -> list[Any]:
        numbers: list[Any] = self.array.tolist()
        return numbers


def has_value(data: Any, name: str) -> bool:
    """True once a field has a value of its own, which its owner may have changed, next to the backend's."""
    try:
        object.__getattribute__(data, name)
    except AttributeError:
        return False
    return True


class NumberList(_Base):
    """A data object with one list of numbers, `_list_name`, that may be given, and held, as an array."""

    __slots__ = ()
    _list_name: ClassVar[str] = "values"
    _dtype: ClassVar[str] = "int64"

    @classmethod
    def over(cls, array: Any) -> Any:
        """An object over an array, which is not copied."""
        return cls.from_backend(ArrayBackend(array))

    def numbers(self) -> Any:
        """The list or, as long as nobody has asked for it, the array behind it."""
        backend = self.backend
        if isinstance(backend, ArrayBackend) and not has_value(self, self._list_name):
            return backend.array
        return getattr(self, self._list_name)

    def as_array(self) -> Any:
        """The numbers as an array."""
        import numpy as np

        numbers = self.numbers()
        return np.asarray([] if numbers is None else numbers, dtype=self._dtype)

    def fill_proto(self, proto: Any) -> Any:
        return super(NumberList, type(self)(self.numbers())).fill_proto(proto)

    @classmethod
    def from_proto(cls, proto: Any) -> Any:
        import numpy as np

        numbers = getattr(proto, cls._list_name)
        return cls.over(np.fromiter(numbers, cls._dtype, len(numbers)))


class FloatList(NumberList):
    """A NumberList of double precision; what is not finite is quoted in JSON."""

    __slots__ = ()
    _dtype = "float64"

    def to_dict(self) -> dict[str, Any]:
        return {self._list_name: json_numbers(self.numbers())}

    @classmethod
    def from_proto(cls, proto: Any) -> Any:
        return cls.over(_packed_doubles(proto, getattr(proto, cls._list_name)))

    @classmethod
    def from_json(cls, json_str: str | dict[str, Any], ignore_unknown_fields: bool = False) -> Any:
        if isinstance(json_str, dict) and json_str.keys() == {cls._list_name}:
            array = floats_from_json(json_str[cls._list_name])
            if array is not None:
                return cls.over(array)
        return super().from_json(json_str, ignore_unknown_fields)


def _packed_doubles(message: Any, numbers: Any) -> Any:
    """The packed field 1 of a message, copied as one block if there is nothing else in the message."""
    import numpy as np

    size = 8 * len(numbers)
    header = 1 + (size.bit_length() + 6) // 7
    buffer = message.SerializeToString()
    if not size or len(buffer) != header + size:
        return np.fromiter(numbers, "float64", len(numbers))
    return np.frombuffer(buffer, "<f8", offset=header).astype("float64")


__all__ = ["ArrayBackend", "FloatList", "NumberList", "has_value"]
