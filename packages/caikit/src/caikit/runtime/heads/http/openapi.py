"""The OpenAPI document of a set of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from caikit.core.data_model._schema import Field, MessageType, Node, Repeated, Scalar, schema_of
from caikit.runtime.engine import HttpRoute, Layout, Operation
from caikit.runtime.names import HEALTH_ENDPOINT
from caikit.runtime.security import Authoriser

from ._files import answers_with_file
from ._media import LINES
from ._schemas import Schema, SchemaBook, nullable
from ._security_schemes import security_schemes
from ._typed_body import INPUTS, MODEL_ID, PARAMETERS

_JSON = "application/json"
_ERROR = "Error"
_INPUT_ERROR = "InputError"
_REFUSAL = "Refusal"

# Media types of answers with files: a module says which one it is.
_FILE_TYPES = ("application/octet-stream", "*/*")
_PLAIN_TEXT = {"text/plain": {"schema": {"type": "string"}}}

_ERROR_PROPERTIES: dict[str, Schema] = {
    "details": {"type": "string"},
    "code": {"type": "integer"},
    "id": {"type": "string"},
}
_ERROR_SCHEMAS: dict[str, Schema] = {
    _ERROR: {
        "type": "object",
        "title": _ERROR,
        "description": "Why a request failed",
        "properties": _ERROR_PROPERTIES,
        "required": list(_ERROR_PROPERTIES),
    },
    _INPUT_ERROR: {
        "type": "object",
        "title": _INPUT_ERROR,
        "description": "What is wrong with a request that does not fit the schema",
        "properties": {
            **_ERROR_PROPERTIES,
            "detail": {"type": "string"},
            "additional_info": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                        "msg": {"type": "string"},
                        "input": {},
                    },
                },
            },
        },
    },
    _REFUSAL: {
        "type": "object",
        "title": _REFUSAL,
        "description": "Why a request was not even read",
        "properties": {"detail": {"type": "string"}},
        "required": ["detail"],
    },
}

_PROBES = (
    (HEALTH_ENDPOINT, "Tell whether the server serves", "It shuts down"),
    ("/livez", "Tell whether the process answers", None),
    ("/readyz", "Tell whether the server is ready for requests", "It is not ready yet, or shuts down"),
)

__all__ = ["build_openapi"]


def build_openapi(
    operations: Iterable[Operation],
    *,
    title: str,
    version: str,
    description: str,
    authoriser: Authoriser | None = None,
) -> dict[str, Any]:
    """An OpenAPI 3.1 document; operations that are not visible are left out."""
    schemes = {} if authoriser is None else security_schemes(authoriser)
    book = SchemaBook()
    book.schemas.update(_ERROR_SCHEMAS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        route = operation.http
        if route is not None and route.visible:
            described = _describe_operation(book, operation, route)
            if authoriser is not None and authoriser.guard(operation) is not None:
                described.setdefault("security", [{name: []} for name in schemes])
            paths.setdefault(route.path, {})[route.method.lower()] = described
    for path, summary, obstacle in _PROBES:
        paths[path] = {"get": _describe_probe(path, summary, obstacle)}
    _make_ids_unique(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(book.schemas.items())),
            **({"securitySchemes": schemes} if schemes else {}),
        },
    }


def _describe_operation(book: SchemaBook, operation: Operation, route: HttpRoute) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": route.summary,
        "description": route.description,
        "operationId": _operation_id(route.method, route.path),
    }
    if route.layout is Layout.QUERY:
        described["parameters"] = _describe_query(book, operation, route)
    else:
        described["requestBody"] = _describe_body(book, operation, route)
    described["responses"] = {
        "200": _describe_result(book, operation),
        "422": _describe_error("The request does not fit the schema", _INPUT_ERROR),
        "default": _describe_error("The request failed", _ERROR, _REFUSAL),
    }
    if operation.shape.input_streaming:
        described["x-websocket"] = _describe_socket(book, operation, route)
    if route.layout is not Layout.QUERY:
        described["responses"]["415"] = _describe_error("The type of the body is not supported", _REFUSAL)
    described = {key: value for key, value in described.items() if value}
    return {**described, **route.extra_openapi}


def _describe_query(book: SchemaBook, operation: Operation, route: HttpRoute) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "in": "query",
            "required": field.name in route.required,
            "schema": book.describe(field.type),
        }
        for field in schema_of(operation.request).fields
    ]


def _describe_body(book: SchemaBook, operation: Operation, route: HttpRoute) -> dict[str, Any]:
    if route.layout is Layout.REQUEST:
        fields = {field.name: field.type for field in schema_of(operation.request).fields}
        schema, places = book.refer(operation.request), fields
        form = book.schemas[schema_of(operation.request).full_name]
    else:
        schema = form = _describe_inference_body(book, operation, route)
        places = {MODEL_ID: Scalar("string"), **_input_places(operation, route)}
    if operation.shape.input_streaming:
        return _describe_lines({**schema, "required": []})
    uploads = dict(_find_uploads("", places))
    form = {
        **{key: value for key, value in form.items() if key != "additionalProperties"},
        "properties": {**form["properties"], **uploads},
    }
    return {
        "content": {_JSON: {"schema": schema}, "multipart/form-data": {"schema": form}},
        "required": True,
    }


def _describe_lines(line: Schema) -> dict[str, Any]:
    return {
        "description": "One JSON object on each line; the first one has the model id and the parameters",
        "content": {LINES: {"schema": {"type": "string", "x-line": line}}},
        "required": True,
    }


def _describe_socket(book: SchemaBook, operation: Operation, route: HttpRoute) -> dict[str, Any]:
    """OpenAPI has no words for WebSockets, hence an extension."""
    return {
        "description": "The path also takes a WebSocket: its messages are the lines, each result is a message",
        "message": {**_describe_inference_body(book, operation, route), "required": []},
        "result": book.refer(operation.response),
    }


def _describe_inference_body(book: SchemaBook, operation: Operation, route: HttpRoute) -> Schema:
    schema = schema_of(operation.request)
    required = [field for field in schema.fields if field.name in route.required]
    others = [field for field in schema.fields if field.name not in route.required]
    properties: dict[str, Schema] = {INPUTS: _describe_inputs(book, route, required)}
    if others:
        name = f"{schema.full_name}.Parameters"
        book.schemas[name] = _describe_group(book, name, others)
        properties[PARAMETERS] = nullable({"$ref": f"#/components/schemas/{name}"})
    properties[MODEL_ID] = {"type": "string"}
    return {
        "type": "object",
        "title": f"{schema.full_name}.Body",
        "properties": properties,
        "required": [MODEL_ID],
        "additionalProperties": False,
    }


def _describe_inputs(book: SchemaBook, route: HttpRoute, required: list[Field]) -> Schema:
    if len(route.required) == 1:
        return nullable(book.describe(required[0].type))
    return _describe_group(book, INPUTS, required)


def _describe_group(book: SchemaBook, title: str, fields: list[Field]) -> Schema:
    return {
        "type": "object",
        "title": title,
        "properties": book.properties(fields),
        "additionalProperties": False,
    }


def _input_places(operation: Operation, route: HttpRoute) -> dict[str, Node]:
    """The single input, or each of several, by its path in a form."""
    fields = {field.name: field.type for field in schema_of(operation.request).fields}
    if len(route.required) == 1:
        inputs = {INPUTS: fields[route.required[0]]}
    else:
        inputs = {f"{INPUTS}.{name}": fields[name] for name in route.required}
    others = {f"{PARAMETERS}.{name}": node for name, node in fields.items() if name not in route.required}
    return {**inputs, **others}


def _find_uploads(prefix: str, places: Mapping[str, Node]) -> Iterable[tuple[str, Schema]]:
    """The paths below which a form may carry a file: files and bytes, at most one message deep."""
    for name, node in places.items():
        path = f"{prefix}{name}"
        item = node.item if isinstance(node, Repeated) else node
        binary: Schema = {"type": "string", "format": "binary"}
        upload = {"type": "array", "items": binary} if isinstance(node, Repeated) else binary
        if _holds_file(item):
            yield path, upload
        elif isinstance(item, MessageType) and not prefix and not isinstance(node, Repeated):
            fields = {field.name: field.type for field in schema_of(item.cls).fields}
            yield from _find_uploads(f"{path}.", fields)


def _holds_file(node: Node) -> bool:
    if isinstance(node, MessageType):
        return schema_of(node.cls).full_name == "caikit_data_model.common.File"
    return node == Scalar("bytes")


def _describe_result(book: SchemaBook, operation: Operation) -> dict[str, Any]:
    if operation.shape.output_streaming:
        result = book.refer(operation.response)
        return {
            "description": "A stream of events: `message` events carry results, an `error` event ends it",
            "content": {"text/event-stream": {"schema": {"type": "string", "x-event-data": result}}},
        }
    if answers_with_file(operation.response):
        binary = {"type": "string", "format": "binary"}
        return {"description": "A file", "content": {kind: {"schema": binary} for kind in _FILE_TYPES}}
    return {"description": "The result", "content": {_JSON: {"schema": book.refer(operation.response)}}}


def _describe_error(description: str, *names: str) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {
        "description": description,
        "content": {_JSON: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}},
    }


def _describe_probe(path: str, summary: str, obstacle: str | None) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "Yes", "content": _PLAIN_TEXT}}
    if obstacle is not None:
        responses["503"] = {"description": obstacle, "content": _PLAIN_TEXT}
    return {"summary": summary, "operationId": _operation_id("get", path), "responses": responses}


def _operation_id(method: str, path: str) -> str:
    return re.sub(r"\W+", "_", f"{method.lower()}{path}")


def _make_ids_unique(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """A library may give one id to a task, which has several paths."""
    taken: set[str] = set()
    for path, operations in paths.items():
        for method, described in operations.items():
            if described["operationId"] in taken:
                described["operationId"] = _operation_id(method, path)
            while described["operationId"] in taken:
                described["operationId"] += "_"
            taken.add(described["operationId"])
