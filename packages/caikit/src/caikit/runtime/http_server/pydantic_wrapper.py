"""Data objects as models of pydantic, for programs that are built on it. The server itself has no use for them."""

from __future__ import annotations

import base64
from datetime import datetime
from enum import Enum
from functools import partial, reduce
from operator import or_
from typing import Annotated, Any

from caikit.core.data_model import DataObjectBase
from caikit.core.data_model._schema import (
    EnumType,
    MapOf,
    MessageType,
    Node,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

__all__ = ["PYDANTIC_TO_DM_MAPPING", "dataobject_to_pydantic", "pydantic_to_dataobject"]

PYDANTIC_TO_DM_MAPPING: dict[Any, type[DataObjectBase]] = {}
"""The data object classes of the models that were made."""

_MODELS: dict[Any, Any] = {}
_SCALARS: dict[str, type] = {"double": float, "float": float, "bool": bool, "string": str}


def dataobject_to_pydantic(dm_class: type[DataObjectBase]) -> Any:
    """The model of a data object class, always the same one; no field must be given. Needs `pip install pydantic`."""
    try:
        import pydantic
    except ImportError as error:
        raise ImportError(f"Models of data objects need pydantic: pip install pydantic ({error})") from error

    if dm_class not in _MODELS:
        made: dict[Any, Any] = {}
        _make_models(pydantic, dm_class, made)
        namespace = {_name(cls): model for cls, model in {**_MODELS, **made}.items()}
        for model in made.values():
            model.model_rebuild(_types_namespace=namespace)
        _MODELS.update(made)
        PYDANTIC_TO_DM_MAPPING.update({model: cls for cls, model in made.items()})
    return _MODELS[dm_class]


def pydantic_to_dataobject(pydantic_model: Any) -> DataObjectBase:
    """The data object of a model that `dataobject_to_pydantic` has made."""
    dm_class = PYDANTIC_TO_DM_MAPPING.get(type(pydantic_model))
    if dm_class is None:
        raise TypeError(f"expected a model of a data object, got {type(pydantic_model).__name__}")
    given = pydantic_model.model_fields_set
    return dm_class(**{name: _convert(getattr(pydantic_model, name)) for name in given})


def _convert(value: Any) -> Any:
    if type(value) in PYDANTIC_TO_DM_MAPPING:
        return pydantic_to_dataobject(value)
    if isinstance(value, list):
        return [_convert(item) for item in value]
    if isinstance(value, dict):
        return {key: _convert(item) for key, item in value.items()}
    return value


def _make_models(pydantic: Any, cls: type[Any], made: dict[Any, Any]) -> None:
    if cls in _MODELS or cls in made:
        return
    # Entered before it is complete: messages may refer to themselves.
    made[cls] = None
    schema = schema_of(cls)
    fields = {field.name: (_annotate(pydantic, field.type, made) | None, None) for field in schema.fields}
    settings = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    made[cls] = pydantic.create_model(schema.name, __config__=settings, __doc__=schema.doc, **fields)


def _annotate(pydantic: Any, node: Node, made: dict[Any, Any]) -> Any:
    match node:
        case Scalar("bytes"):
            return Annotated[bytes, pydantic.BeforeValidator(_read_bytes)]
        case Scalar(kind):
            return _SCALARS.get(kind, int)
        case EnumType():
            return Annotated[node.cls, pydantic.BeforeValidator(partial(_read_enum, node.cls))]
        case MessageType():
            _make_models(pydantic, node.cls, made)
            return Annotated[_name(node.cls), None]
        case Repeated():
            return list[_annotate(pydantic, node.item, made)]  # type: ignore[misc]  # made at run time
        case MapOf():
            key, value = _annotate(pydantic, node.key, made), _annotate(pydantic, node.value, made)
            return dict[key, value]  # type: ignore[valid-type]  # as above
        case UnionOf():
            return reduce(or_, (_annotate(pydantic, member.type, made) for member in node.members))
        case TimestampType():
            return datetime
        case StructType():
            return dict[str, Any]
        case _:
            return Any


def _name(cls: type[Any]) -> str:
    return schema_of(cls).full_name.replace(".", "__")


def _read_bytes(value: Any) -> Any:
    """As in JSON, a text is base64."""
    return base64.b64decode(value, validate=True) if isinstance(value, str) else value


def _read_enum(cls: type[Enum], value: Any) -> Any:
    """As in JSON, a text is a name."""
    return cls[value] if isinstance(value, str) and value in cls.__members__ else value
