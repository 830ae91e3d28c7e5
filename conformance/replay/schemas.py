"""What an OpenAPI document says about requests and answers, without names and texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
Described = Mapping[str, Any]
# The alternatives that a value may take: kinds by name; objects as a list of properties, arrays as a list of items.
Shape = Mapping[str, Any]

_DEEPEST = 12
_ANY: Shape = {"any": True}


def list_operations(document: Document) -> dict[tuple[str, str], Described]:
    """Every operation by method and path."""
    paths = document["paths"].items()
    return {(method, path): operation for path, methods in paths for method, operation in methods.items()}


def read_parameters(document: Document, operation: Described) -> dict[str, Any]:
    """Place, need and shape of each parameter."""
    return {
        parameter["name"]: (
            parameter["in"],
            parameter.get("required", False),
            read_shape(document, parameter["schema"]),
        )
        for parameter in operation.get("parameters", ())
    }


def read_contents(document: Document, described: Described) -> dict[str, Shape]:
    """The shape of a request body or an answer by media type."""
    return {
        media_type: read_shape(document, content.get("schema", {}))
        for media_type, content in described.get("content", {}).items()
    }


def read_shape(document: Document, schema: Any, depth: int = 0) -> Shape:
    """The alternatives that a schema allows; null is always allowed, so it is left out."""
    if depth > _DEEPEST:
        return _ANY
    if "$ref" in schema:
        return read_shape(document, _follow(document, schema["$ref"]), depth)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return _merge(read_shape(document, alternative, depth) for alternative in alternatives)
    if "enum" in schema:
        return {"enum": True}
    kinds = schema.get("type")
    if kinds is None:
        return _ANY
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return _merge(_read_kind(document, schema, kind, depth) for kind in kinds if kind != "null")


def lacks(wanted: Shape, found: Shape, place: str) -> Iterator[str]:
    """One sentence for each thing that `wanted` allows or names and `found` does not."""
    for kind, content in wanted.items():
        if kind == "map" and "object" in found:
            continue
        if kind not in found:
            yield f"{place}: expected {kind}, found {', '.join(found) or 'nothing'}"
        elif kind == "array":
            yield from lacks(content, found[kind], f"{place}[]")
        elif kind == "object":
            for properties in content:
                yield from _closest(properties, found[kind], place)


def _closest(properties: Mapping[str, Shape], found: Iterable[Mapping[str, Shape]], place: str) -> list[str]:
    """What the most similar of the objects lacks."""
    return min((list(_lacks_properties(properties, other, place)) for other in found), key=len)


def _lacks_properties(wanted: Mapping[str, Shape], found: Mapping[str, Shape], place: str) -> Iterator[str]:
    for name, shape in wanted.items():
        if name in found:
            yield from lacks(shape, found[name], f"{place}.{name}")
        else:
            yield f"{place}: expected the property {name}, found {', '.join(found)}"


def _read_kind(document: Document, schema: Any, kind: str, depth: int) -> Shape:
    if kind == "array":
        return {"array": read_shape(document, schema.get("items", {}), depth + 1)}
    if kind != "object":
        return {kind: True}
    if "properties" not in schema:
        return {"map": True}
    properties = schema["properties"].items()
    return {"object": [{name: read_shape(document, value, depth + 1) for name, value in properties}]}


def _merge(shapes: Iterable[Shape]) -> Shape:
    merged: dict[str, Any] = {}
    for shape in shapes:
        for kind, content in shape.items():
            if kind == "array":
                merged[kind] = _merge([merged.get(kind, {}), content])
            elif kind == "object":
                merged[kind] = [*merged.get(kind, []), *content]
            else:
                merged[kind] = True
    return merged


def _follow(document: Document, reference: str) -> Any:
    place: Any = document
    for name in reference.removeprefix("#/").split("/"):
        place = place[name.replace("~1", "/").replace("~0", "~")]
    return place
