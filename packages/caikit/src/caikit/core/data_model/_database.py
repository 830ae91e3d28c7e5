"""The base of everything that has a protobuf message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import IOBase
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.message import Message

from . import _registry
from ._codecs import codecs_of
from ._meta import DataBaseMeta
from ._schema import UnionOf, schema_of

if TYPE_CHECKING:
    from .data_backends.base import DataModelBackendBase

Data = TypeVar("Data", bound="DataBase")


@dataclass
class OneofFieldVal:
    """A value together with the union member that it belongs to."""

    val: Any
    which_oneof: str


class DataBase(metaclass=DataBaseMeta):
    """An object with a protobuf message; subclass `DataObjectBase` to have the message made from annotations."""

    __slots__ = ("_backing", "_which")

    _is_data_base = True
    _unwraps_list: ClassVar[bool] = False
    """Union members of such a class hold the plain list of their only field."""

    _from_json_fields: ClassVar[Callable[..., Any] | None] = None
    """Makes the object out of the fields in JSON, where `from_proto` is written by hand for the message."""

    PROTO_CONVERSION_SPECIAL_TYPES: ClassVar[list[str]] = [
        "google.protobuf.Timestamp",
        "google.protobuf.Struct",
    ]
    OneofFieldVal = OneofFieldVal

    supports_file_operations: ClassVar[bool] = False

    if TYPE_CHECKING:
        full_name: ClassVar[str]
        fields: ClassVar[tuple[str, ...]]
        fields_enum_map: ClassVar[dict[str, Any]]
        fields_enum_rev: ClassVar[dict[str, Any]]
        _proto_class: ClassVar[Any]
        _which: dict[str, str] | None
        _backing: DataModelBackendBase

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.supports_file_operations = (
            cls.to_file is not DataBase.to_file
            and getattr(cls.from_file, "__func__", None) is not DataBase.__dict__["from_file"].__func__
        )

    # -- protobuf ---------------------------------------------------------------------------------------------

    @classmethod
    def get_proto_class(cls) -> Any:
        """The generated message class."""
        return cls._proto_class

    def to_proto(self) -> Any:
        """A new message with the content of this object."""
        return codecs_of(type(self)).to_proto(self)

    def fill_proto(self, proto: Any) -> Any:
        """Write this object into a message; lists are appended to, maps merged."""
        return codecs_of(type(self)).fill_proto(self, proto)

    @classmethod
    def from_proto(cls: type[Data], proto: Any) -> Data:
        """The object in a message."""
        made: Data = codecs_of(cls).from_proto(cls, proto)
        return made

    def to_binary_buffer(self) -> bytes:
        """The bytes of the message."""
        buffer: bytes = self.to_proto().SerializeToString()
        return buffer

    @classmethod
    def from_binary_buffer(cls: type[Data], buf: bytes) -> Data:
        """The object in the bytes of a message."""
        return cls.from_proto(cls.get_proto_class().FromString(buf))

    # -- JSON and dictionaries --------------------------------------------------------------------------------

    def to_json(self, **kwargs: Any) -> str:
        """JSON text; keywords are those of json.dumps."""
        return codecs_of(type(self)).to_json(self, **kwargs)

    def _json_plain(self) -> Any:
        return codecs_of(type(self)).json_plain(self)

    @classmethod
    def from_json(
        cls: type[Data], json_str: str | dict[str, Any], ignore_unknown_fields: bool = False
    ) -> Data:
        """The object in JSON text, in the spelling of protobuf or of `to_json`."""
        made: Data = codecs_of(cls).from_json(cls, json_str, ignore_unknown_fields)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionaries and lists; enum members become names."""
        made: dict[str, Any] = codecs_of(type(self)).to_dict(self)
        return made

    def to_kwargs(self) -> dict[str, Any]:
        """The attributes, one level deep, as the constructor takes them."""
        return {field.name: getattr(self, field.name) for field in schema_of(type(self)).fields}

    # -- files ------------------------------------------------------------------------------------------------

    def to_file(self, file_obj: IOBase) -> Any:
        """Write the object to a file; may return a File with its name and type."""
        raise NotImplementedError(f"to_file not implemented for {type(self)}")

    @classmethod
    def from_file(cls: type[Data], file_obj: IOBase) -> Data:
        """Read an object from a file."""
        raise NotImplementedError(f"from_file not implemented for {cls}")

    # -- unions and backends ----------------------------------------------------------------------------------

    def which_oneof(self, oneof_name: str) -> str | None:
        """The name of the active member of a union."""
        for field in schema_of(type(self)).fields:
            if field.name == oneof_name and isinstance(field.type, UnionOf):
                return codecs_of(type(self)).which(self, oneof_name)
        raise AttributeError(f"no oneof {oneof_name} in {type(self)}")

    @classmethod
    def from_backend(cls: type[Data], backend: DataModelBackendBase) -> Data:
        """An object that takes its fields from a backend when they are first read."""
        instance = cls.__new__(cls)
        instance._backend = backend
        return instance

    @property
    def backend(self) -> DataModelBackendBase | None:
        """The backend that this object was made from."""
        return self._backend

    @property
    def _backend(self) -> DataModelBackendBase | None:
        return getattr(self, "_backing", None)

    @_backend.setter
    def _backend(self, backend: DataModelBackendBase) -> None:
        cls = type(self)
        if not any("__getattr__" in base.__dict__ for base in cls.__mro__):
            # Only now: every access to an attribute of such a class is slower.
            setattr(cls, "__getattr__", _ask_backend)  # noqa: B010 - mypy forbids the plain assignment
        self._backing = backend

    # -- look-ups ---------------------------------------------------------------------------------------------

    @classmethod
    def get_field_defaults(cls) -> dict[str, Any]:
        """Defaults, or factories of defaults, that the class declares."""
        return {
            field.name: field.default_factory if field.default_factory is not None else field.default
            for field in schema_of(cls).fields
            if field.has_default
        }

    @classmethod
    def get_field_message_type(cls, field_name: str) -> Any:
        """The Python type of a protobuf field, for lists of their elements."""
        from ._wire_types import python_type

        return python_type(cls, field_name)

    @staticmethod
    def get_class_for_proto(proto: Any) -> Any:
        """The data object class for a message or a descriptor."""
        descriptor = proto.DESCRIPTOR if isinstance(proto, Message) else proto
        if not isinstance(descriptor, (Descriptor, EnumDescriptor)):
            raise TypeError(f"expected a protobuf message or descriptor, got {proto!r}")
        found = _registry.find(descriptor.full_name)
        if found is None:
            raise AttributeError(
                f"no data model class found in registry for protobufs named `{descriptor.full_name}`"
            )
        return found

    @staticmethod
    def get_class_for_name(class_name: str) -> Any:
        """The data object class for a full name or a short name that is unique."""
        found = _registry.find(class_name)
        if found is not None:
            return found
        names = _registry.find_short(class_name)
        if not names:
            raise ValueError(f"No data model class match for {class_name}")
        if len(names) > 1:
            raise ValueError(f"Conflicting data model classes for [{class_name}]: {sorted(names)}")
        return _registry.find(names[0])

    # -- Python -----------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        try:
            return self.to_json(indent=2, ensure_ascii=False)
        except TypeError:
            return self.to_json(indent=2, ensure_ascii=False, default=str)

    def __str__(self) -> str:
        return repr(self)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(getattr(self, "__dict__", {}))
        for base in type(self).__mro__:
            slots = base.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name in ("__dict__", "__weakref__"):
                    continue
                try:
                    value = getattr(self, name)
                except AttributeError:
                    continue
                state["_backend" if name == "_backing" else name] = (
                    dict(value) if name == "_which" and value else value
                )
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


def _ask_backend(self: Any, name: str) -> Any:
    """The value of an attribute that has none yet."""
    cls = type(self)
    field = name.removeprefix("_oneof_")
    if field not in cls.__dataclass_fields__:
        raise AttributeError(f"'{cls.__name__}' object has no attribute '{name}'")
    backend = self._backend
    if backend is None:
        raise AttributeError(f"{cls} missing attribute {field} and no backend set")
    value = backend.get_attribute(cls, field)
    if isinstance(value, OneofFieldVal):
        self._which = {**(getattr(self, "_which", None) or {}), field: value.which_oneof}
        value = value.val
    if backend.cache_attribute(field, value):
        setattr(self, name, value)
    return value
