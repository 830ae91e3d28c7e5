"""What `@dataobject` does to a class."""

from __future__ import annotations

import threading
from collections import ChainMap
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from . import _registry
from ._annotations import UnresolvedNameError
from ._defaults import warn_of_defaults
from ._descriptor import build_message
from ._enum_registry import publish_enum
from ._init_code import make_init
from ._meta import DataBaseMeta
from ._munch import Munch
from ._oneof import install_union
from ._parse import FieldParser
from ._schema import EnumType, MapOf, MessageSchema, Repeated, UnionOf
from ._state import ClassState, own_state, state_of
from ._validation import add_validation

_lock = threading.RLock()
_pending: list[ClassState] = []
_completing: list[type[Any]] = []
"""From the outermost class to the one that it is waiting for; guarded by the lock."""


def expect_decorator(cls: type[Any]) -> None:
    """Until @dataobject gives it a constructor, a class with fields of its own says that there is none."""
    state = state_of(cls)
    if not state.annotations or "__init__" in state.user_names:
        return

    def __init__(self: Any, *_: Any, **__: Any) -> None:  # noqa: N807 - becomes the method
        raise TypeError(f"{cls.__name__} has fields but no message: decorate it with @dataobject")

    setattr(cls, "__init__", _marked_as_generated(__init__))  # noqa: B010 - mypy forbids the plain assignment


def _marked_as_generated(init: Any) -> Any:
    init._is_generated = True
    return init


def declare(
    cls: type[Any], package: str, name: str, namespace: Mapping[str, Any], validate: bool = False
) -> None:
    """Give a class its schema, descriptor and constructor, now or when its forward references resolve."""
    state = state_of(cls)
    if state.complete is not None and state.require_schema(cls).full_name != full_name(package, name):
        raise TypeError(f"{cls.__name__} already is the data object {state.require_schema(cls).full_name}")
    if state.schema is not None:
        return
    state.namespace = namespace
    state.fields = _with_plain_parents(cls, state.fields)
    state.complete = lambda: _complete(cls, package, name, validate)
    cls.__dataclass_fields__ = state.fields
    setattr(cls, "__match_args__", tuple(state.fields))  # noqa: B010 - mypy takes it for a final name
    _restore_methods(cls, state)
    try:
        state.complete()
    except UnresolvedNameError:
        with _lock:
            _pending.append(state)
    _retry_pending()


def full_name(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _with_plain_parents(cls: type[Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields in their order, with those of parents that are dataclasses and no data objects."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        state = own_state(base)
        plain = base.__dict__.get("__dataclass_fields__", {}) if state is None else {}
        found.update(
            plain or dict.fromkeys(name for name in (state.annotations if state else ()) if name in fields)
        )
    return {**found, **fields}


def _retry_pending() -> None:
    for state in list(_pending):
        try:
            if state.complete is not None:
                state.complete()
        except UnresolvedNameError:
            continue
        with _lock:
            if state in _pending:
                _pending.remove(state)


def _restore_methods(cls: type[Any], state: ClassState) -> None:
    """What a @dataclass below @dataobject has generated gives way; what the author wrote stays."""
    for method in ("__init__", "__repr__", "__eq__"):
        if method in cls.__dict__ and method not in state.user_names:
            delattr(cls, method)
    if "__init__" not in state.user_names and _needs_init(cls, state):
        setattr(cls, "__init__", _init_on_first_use(cls))  # noqa: B010 - mypy forbids the plain assignment


def _needs_init(cls: type[Any], state: ClassState) -> bool:
    """A constructor that a parent wrote by hand also serves children without fields of their own."""
    inherited = getattr(cls.__init__, "_is_generated", False) or cls.__mro__[1].__dict__.get("_is_data_base")
    return bool(inherited or state.annotations or cls.__init__ is object.__init__)


def _init_on_first_use(cls: type[Any]) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes the method
        state = state_of(cls)
        if state.complete is not None:
            state.complete()
        cls.__init__(self, *args, **kwargs)

    return _marked_as_generated(__init__)


def _complete(cls: type[Any], package: str, name: str, validate: bool) -> None:
    with _lock:
        if state_of(cls).schema is not None:
            return
        if cls in _completing:
            raise _refer_to_each_other(cls)
        _completing.append(cls)
        try:
            _make_message(cls, package, name)
            if validate:
                add_validation(cls)
        except UnresolvedNameError as error:
            # The name of a class that is being decorated is not known yet.
            for outer in _completing[:-1]:
                if outer.__name__ == error.name:
                    raise _refer_to_each_other(outer) from None
            raise
        finally:
            _completing.pop()


def _refer_to_each_other(first: type[Any]) -> TypeError:
    circle = [cls.__qualname__ for cls in _completing[_completing.index(first) :]]
    return TypeError(
        f"data objects cannot refer to each other, only to themselves: {' -> '.join([*circle, circle[0]])}; "
        "let one of them hold something else that identifies the other"
    )


def _make_message(cls: type[Any], package: str, name: str) -> None:
    state = state_of(cls)
    message = full_name(package, name)
    fields = FieldParser(cls, partial(_make_nested, cls, message)).parse()
    state.schema = MessageSchema(message, package, name, fields, cls.__doc__)
    try:
        proto_class = build_message(state.schema, cls)
    except BaseException:
        state.schema = None
        raise
    _finish(cls, state.schema, proto_class)
    warn_of_defaults(state.schema, cls.__name__, proto_class)
    _registry.register(state.schema.full_name, cls)
    _registry.register_rendered(state.schema.full_name, proto_class)
    if not any(isinstance(annotation, str) for annotation in state.annotations.values()):
        # The names of a function would be kept alive for nothing; text is read again for subclasses.
        state.namespace = {}


def _make_nested(
    owner: type[Any],
    prefix: str,
    name: str,
    annotations: dict[str, Any],
    defaults: dict[str, Any],
    names: Mapping[str, Any],
) -> type[Any]:
    """A data object whose message is declared inside another message."""
    from ._dataobject import DataObjectBase

    body = {"__module__": owner.__module__, "__qualname__": f"{owner.__qualname__}.{name}"}
    cls: type[Any] = DataBaseMeta(
        name, (DataObjectBase,), {**body, "__annotations__": annotations, **defaults}
    )
    state = state_of(cls)
    state.namespace = ChainMap(
        cast("dict[str, Any]", names), cast("dict[str, Any]", state_of(owner).namespace)
    )
    fields = FieldParser(cls, partial(_make_nested, cls, f"{prefix}.{name}")).parse()
    state.schema = MessageSchema(f"{prefix}.{name}", prefix, name, fields)
    setattr(owner, name, cls)
    state_of(owner).made.add(name)
    return cls


def _finish(cls: type[Any], schema: MessageSchema, proto_class: Any) -> None:
    """Everything that needs the types of the fields or the message class."""
    _add_rendering(proto_class)
    _set_up(cls, schema, proto_class)
    for field in schema.fields:
        _finish_nested(cls, field.type, proto_class)


def _set_up(cls: type[Any], schema: MessageSchema, proto_class: Any) -> None:
    state = state_of(cls)
    for field in schema.fields:
        if isinstance(field.type, UnionOf):
            install_union(cls, field.name, field.type, f"{cls.__name__}.{field.name}")
    if getattr(cls.__init__, "_is_generated", False) or cls.__init__ is object.__init__:
        init = _marked_as_generated(make_init(cls, schema.fields))
        setattr(cls, "__init__", init)  # noqa: B010 - mypy forbids the plain assignment
    enums = _enum_fields(schema)
    values = {
        "_proto_class": proto_class,
        "full_name": schema.full_name,
        "fields": schema.wire_names(),
        "fields_enum_map": {name: node.cls for name, node in enums.items()},
        "fields_enum_rev": {name: Munch(node.names()) for name, node in enums.items()},
    }
    for name, value in values.items():
        if name not in state.fields:
            setattr(cls, name, value)


def _enum_fields(schema: MessageSchema) -> dict[str, EnumType]:
    found = {}
    for field in schema.fields:
        parts = field.type.members if isinstance(field.type, UnionOf) else (field,)
        for part in parts:
            node: Any = getattr(part.type, "item", getattr(part.type, "value", part.type))
            if isinstance(node, EnumType):
                found[part.name] = node
    return found


def _finish_nested(cls: type[Any], node: Any, proto_class: Any) -> None:
    match node:
        case UnionOf(members):
            for member in members:
                if member.wrapper is not None:
                    _finish_class(getattr(cls, member.wrapper), member.wrapper, proto_class)
                else:
                    _finish_nested(cls, member.type, proto_class)
        case Repeated(item):
            _finish_nested(cls, item, proto_class)
        case MapOf(_, value):
            _finish_nested(cls, value, proto_class)
        case EnumType(enum, _, nested) if nested is not None:
            publish_enum(enum.__name__, enum, node.names())
        case _:
            nested = getattr(node, "nested", None)
            if nested is not None:
                _finish_class(node.cls, nested, proto_class)


def _finish_class(cls: type[Any], name: str, owner_proto: Any) -> None:
    schema = state_of(cls).require_schema(cls)
    proto_class = getattr(owner_proto, name)
    _set_up(cls, schema, proto_class)
    _registry.register(schema.full_name, cls)
    for field in schema.fields:
        _finish_nested(cls, field.type, proto_class)


def _add_rendering(proto_class: Any) -> None:
    from ._render import render_file, write_file

    file = proto_class.DESCRIPTOR.file
    proto_class.to_proto_file = classmethod(lambda _: render_file(file))
    proto_class.write_proto_file = classmethod(lambda _, root_dir=".": write_file(file, root_dir))
