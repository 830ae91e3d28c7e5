"""Annotations as they stand in a class body, and the names that forward references mean."""

from __future__ import annotations

import inspect
import sys
import typing
from collections import ChainMap
from collections.abc import Mapping
from types import FrameType
from typing import Any


class FieldNumber(int):
    """`Annotated[T, FieldNumber(3)]`: the number of a field on the wire."""

    def __new__(cls, number: int) -> FieldNumber:
        if number <= 0:
            raise ValueError("A field number must be a positive integer")
        return super().__new__(cls, number)


class OneofField(str):
    """`Annotated[T, OneofField("name")]`: the name of a union member."""

    __slots__ = ()


def metadata_of_kind(metadata: tuple[Any, ...], kind: type[Any]) -> Any | None:
    """The one annotation of this kind; classes of the same name from elsewhere count as well."""
    found = [item for item in metadata if isinstance(item, kind) or type(item).__name__ == kind.__name__]
    if len(found) > 1:
        raise ValueError(f"Multiple {type(found[0])} annotations found")
    return found[0] if found else None


def own_annotations(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of a class body that is about to become a class."""
    found = namespace.get("__annotations__")
    if found is None and sys.version_info >= (3, 14):
        import annotationlib

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            found = annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF)
    module = sys.modules.get(namespace.get("__module__", ""))
    return {
        name: value
        for name, value in (found or {}).items()
        if not is_class_variable(value, vars(module or sys))
    }


def is_class_variable(annotation: Any, names: Mapping[str, Any]) -> bool:
    """True for ClassVar, also in text, where modules and ClassVar may have other names."""
    if isinstance(annotation, str):
        head = annotation.partition("[")[0].strip()
        if head.rpartition(".")[2] == "ClassVar":
            return True
        first, *rest = head.split(".")
        annotation = names.get(first)
        for name in rest:
            annotation = getattr(annotation, name, None)
    return annotation is typing.ClassVar or typing.get_origin(annotation) is typing.ClassVar


def names_around(frame: FrameType) -> Mapping[str, Any]:
    """What annotations may refer to where a class is decorated: class bodies, the function, the module."""
    scopes: list[Any] = []
    inner: FrameType | None = frame
    while inner is not None and inner.f_locals is not inner.f_globals:
        scopes.append(inner.f_locals)
        if inner.f_code.co_flags & inspect.CO_OPTIMIZED:
            break
        inner = inner.f_back
    return ChainMap(*scopes, frame.f_globals)


class UnresolvedNameError(NameError):
    """A forward reference names something that does not exist (yet)."""


def resolve_text(text: str, names: Mapping[str, Any]) -> Any:
    """The object that the text of an annotation means."""
    try:
        # The text was written by the author of the class, where Python itself would have evaluated it.
        return eval(text, {}, names)  # noqa: S307
    except NameError as error:
        raise UnresolvedNameError(str(error), name=error.name) from error
    except Exception as error:
        raise ValueError(f"cannot read the annotation {text!r}: {type(error).__name__}: {error}") from error
