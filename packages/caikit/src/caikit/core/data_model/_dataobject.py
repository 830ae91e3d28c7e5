"""`@dataobject` and its base class."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from . import _registry
from ._annotations import names_around
from ._database import DataBase
from ._declare import declare, expect_decorator
from ._enum_object import make_enum_object
from ._init_code import equal
from ._meta import DataBaseMeta
from .package import CAIKIT_DATA_MODEL

Cls = TypeVar("Cls", bound=type)


class DataObjectBase(DataBase):
    """Base class of classes under `@dataobject`."""

    __slots__ = ()
    _is_data_object = True

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        expect_decorator(cls)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return equal(self, other)

    __hash__ = None  # type: ignore[assignment]  # mutable objects are not hashable


@overload
def dataobject(cls: Cls, /) -> Cls: ...
@overload
def dataobject(
    package: str = ..., /, *, name: str | None = ..., validate: bool = ...
) -> Callable[[Cls], Cls]: ...
@overload
def dataobject(
    *, package: str = ..., name: str | None = ..., validate: bool = ...
) -> Callable[[Cls], Cls]: ...
def dataobject(*args: Any, **kwargs: Any) -> Any:
    """Make a class with annotations, or an enum, a data object.

    Plain `@dataobject` uses the package `caikit_data_model`; `@dataobject("my.package", name="MyMessage")` names
    the package and the message. With `validate=True` the constructor checks its values: `TypeError` or `ValueError`,
    with the class and the field, for what does not fit the annotation. Otherwise wrong values are found when the
    object becomes a message. Objects that come from messages or JSON are right in any case.

    Raises:
        ValueError: an annotation has no protobuf type, or the class is no data object and no enum.
        TypeError: names or numbers collide, or the message is known with other content.
    """
    namespace = names_around(sys._getframe(1))
    if len(args) == 1 and isinstance(args[0], type) and not kwargs:
        return _decorate(args[0], CAIKIT_DATA_MODEL, None, namespace)
    package, name, validate = _options(*args, **kwargs)
    return lambda cls: _decorate(cls, package, name, namespace, validate)


def _options(*args: Any, **kwargs: Any) -> tuple[str, str | None, bool]:
    if len(args) > 1:
        raise TypeError(f"dataobject() takes at most 1 positional argument ({len(args)} given)")
    if args and "package" in kwargs:
        raise TypeError("Got multiple values for argument 'package'")
    unknown = kwargs.keys() - {"package", "name", "validate"}
    if unknown:
        raise TypeError(f"dataobject() got an unexpected keyword argument '{sorted(unknown)[0]}'")
    package = args[0] if args else kwargs.get("package", CAIKIT_DATA_MODEL)
    if not isinstance(package, str):
        raise TypeError(f"expected a package name, got {package!r}")
    name = kwargs.get("name")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"expected a message name, got {name!r}")
    return package, name, bool(kwargs.get("validate"))


def _decorate(cls: Any, package: str, name: str | None, namespace: Any, validate: bool = False) -> Any:
    if isinstance(cls, type) and issubclass(cls, Enum):
        make_enum_object(cls, package, name or cls.__name__)
    elif isinstance(cls, type) and issubclass(cls, DataObjectBase):
        declare(cls, package, name or cls.__name__, namespace, validate)
    else:
        shown = getattr(cls, "__name__", repr(cls))
        raise ValueError(
            f"value check failed: {shown} must inherit from DataObjectBase/Enum when using @dataobject"
        )
    return cls


def make_dataobject(
    *,
    name: str,
    annotations: dict[str, Any],
    bases: tuple[type, ...] | None = None,
    attrs: dict[str, Any] | None = None,
    proto_name: str | None = None,
    **kwargs: Any,
) -> type[DataObjectBase]:
    """A data object class made at run time; other keywords are those of `@dataobject`."""
    body = {"__module__": sys._getframe(1).f_globals.get("__name__", __name__), **(attrs or {})}
    body["__annotations__"] = annotations
    cls = DataBaseMeta(name, (DataObjectBase, *(bases or ())), body)
    package, message_name, validate = _options(**kwargs)
    made: type[DataObjectBase] = _decorate(cls, package, proto_name or message_name, {}, validate)
    return made


def render_dataobject_protos(interfaces_dir: str) -> None:
    """Write one .proto file per data object and enum of this process."""
    Path(interfaces_dir).mkdir(parents=True, exist_ok=True)
    for proto_class in list(_registry.generated_proto_classes):
        proto_class.write_proto_file(interfaces_dir)


def get_generated_proto_classes() -> list[Any]:
    """Message classes and enum wrappers of all data objects, the live list."""
    return _registry.generated_proto_classes
