"""The metaclass of data objects: slots instead of instance dictionaries, and codecs that compile on first use."""

from __future__ import annotations

import dataclasses
from types import FunctionType, MemberDescriptorType
from typing import Any

from ._annotations import own_annotations
from ._precompiled import finish, prepare
from ._state import ClassState, own_state

CODEC_METHODS = ("_json_plain", "fill_proto", "from_json", "from_proto", "to_dict", "to_json", "to_proto")
"""Methods that every class gets compiled for itself unless it, or a parent below DataBase, defines them."""

_COMPUTED = (FunctionType, property, classmethod, staticmethod)
_COMPLETED_NAMES = frozenset(("_proto_class", "fields", "fields_enum_map", "fields_enum_rev", "full_name"))


class DataBaseMeta(type):
    """Turns annotated names into slots and keeps their defaults aside."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> DataBaseMeta:
        precompiled = _is_precompiled(name, bases, namespace)
        annotations = prepare(namespace) if precompiled else own_annotations(namespace)
        inherited = _inherited_fields(bases)
        user_names = frozenset(namespace)
        defaults = _take_defaults(namespace, annotations, inherited)
        stand_in = _stand_in(name, namespace, annotations, defaults)
        fields = {**inherited, **{field.name: field for field in dataclasses.fields(stand_in)}}
        for extra in defaults.keys() - annotations.keys():
            changed = _stand_in(name, {}, {extra: fields[extra].type}, {extra: defaults[extra]})
            (fields[extra],) = dataclasses.fields(changed)
        namespace["__slots__"] = _slots(bases, namespace, annotations)
        namespace["_caikit_state"] = ClassState(annotations, fields, user_names)
        namespace["__dataclass_fields__"] = fields
        namespace["__dataclass_params__"] = stand_in.__dataclass_params__
        namespace["__match_args__"] = tuple(fields)
        _refuse_two_layouts(name, bases)
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        for method in CODEC_METHODS:
            _place_codec_method(cls, method)
        if "_proto_class" in namespace:
            finish(cls)

    def __getattr__(cls, name: str) -> Any:
        # Reached only while a forward reference is open: completing the class sets these names.
        if name in _COMPLETED_NAMES:
            for base in cls.__mro__:
                state = own_state(base)
                if state is not None and state.schema is None and state.complete is not None:
                    state.complete()
                    return getattr(cls, name)
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


def _refuse_two_layouts(name: str, bases: tuple[type, ...]) -> None:
    """Python cannot lay out an instance over two bases with slots, unless one is a base of the other."""
    families = [base for base in bases if isinstance(base, DataBaseMeta) and _own_slots(base)]
    for first in families:
        for second in families:
            if first is not second and not issubclass(first, second) and not issubclass(second, first):
                raise TypeError(
                    f"{name}: only one of the bases may be a data object with fields, "
                    f"got {first.__name__} and {second.__name__}"
                )


def _own_slots(cls: type) -> bool:
    """True if the class has slots that the base of all data objects does not have."""
    return any(
        base.__dict__.get("__slots__") and not base.__dict__.get("_is_data_base") for base in cls.__mro__
    )


def _is_precompiled(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> bool:
    """True for classes over a message class that comes from elsewhere."""
    family = [base for base in bases if isinstance(base, DataBaseMeta)]
    if not family or namespace.get("_is_data_object") or any(hasattr(b, "_is_data_object") for b in family):
        return False
    if "_proto_class" not in namespace and not any(hasattr(base, "_proto_class") for base in family):
        raise ValueError(f"value check failed: No proto class found for {name}")
    return "_proto_class" in namespace


def _inherited_fields(bases: tuple[type, ...]) -> dict[str, dataclasses.Field[Any]]:
    fields: dict[str, dataclasses.Field[Any]] = {}
    for base in reversed(bases):
        state = getattr(base, "_caikit_state", None)
        if state is not None:
            fields.update(state.fields)
    return fields


def _take_defaults(
    namespace: dict[str, Any], annotations: dict[str, Any], inherited: dict[str, Any]
) -> dict[str, Any]:
    """Defaults leave the namespace: a slot and a class attribute of one name exclude each other."""
    defaults = {}
    for name in list(namespace):
        own = name in annotations and not isinstance(namespace[name], property)
        overridden = name in inherited and not isinstance(namespace[name], _COMPUTED)
        if own or overridden:
            defaults[name] = namespace.pop(name)
    return defaults


def _stand_in(
    name: str, namespace: dict[str, Any], annotations: dict[str, Any], defaults: dict[str, Any]
) -> Any:
    """A dataclass with the own fields, made and checked by the dataclasses module."""
    body = {
        "__annotations__": annotations,
        "__module__": namespace.get("__module__", __name__),
        "__doc__": "Dataclass would compute one.",
        **{key: value for key, value in defaults.items() if key in annotations},
    }
    return dataclasses.dataclass(init=False, repr=False, eq=False)(type(name, (), body))


def _slots(
    bases: tuple[type, ...], namespace: dict[str, Any], annotations: dict[str, Any]
) -> tuple[str, ...]:
    declared = namespace.get("__slots__", ())
    extra = (declared,) if isinstance(declared, str) else tuple(declared)
    private = namespace.get("_private_slots", ())
    wanted = dict.fromkeys((*annotations, *extra, *private))
    return tuple(name for name in wanted if name not in namespace and not _has_slot(bases, name))


def _has_slot(bases: tuple[type, ...], name: str) -> bool:
    for base in bases:
        for parent in base.__mro__:
            if name in parent.__dict__:
                return isinstance(parent.__dict__[name], MemberDescriptorType)
    return False


def _place_codec_method(cls: type[Any], method: str) -> None:
    """Give the class its own compiling method, unless somebody overrides it by hand."""
    root = next((base for base in cls.__mro__ if base.__dict__.get("_is_data_base")), None)
    if root is None or root is cls:
        return
    mro = cls.__mro__
    owner = next(index for index, base in enumerate(mro) if method in base.__dict__)
    state = own_state(mro[owner])
    if mro[owner] is root or (state is not None and method in state.generated):
        setattr(cls, method, root.__dict__[method])
        cls.__dict__["_caikit_state"].generated.add(method)
        return
    # A parent's compiled method knows only the parent's fields. Now that somebody calls it through super(),
    # the parent falls back to the method that looks at the class of its argument.
    for base in mro[owner + 1 :]:
        state = own_state(base)
        if state is not None and method in state.generated:
            state.generated.discard(method)
            delattr(base, method)


def is_generated(cls: type[Any], method: str) -> bool:
    """True unless the class or a parent defines this method by hand."""
    for base in cls.__mro__:
        if method in base.__dict__:
            state = own_state(base)
            return bool(base.__dict__.get("_is_data_base")) or (
                state is not None and method in state.generated
            )
    return False
