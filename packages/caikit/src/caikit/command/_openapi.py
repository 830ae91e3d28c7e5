"""The RPCs that an OpenAPI document describes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caikit.runtime.names import (
    MODEL_MANAGEMENT_ENDPOINT,
    MODELS_INFO_ENDPOINT,
    RUNTIME_INFO_ENDPOINT,
    TRAINING_MANAGEMENT_ENDPOINT,
)

from ._rpc import Rpc
from ._types import Field, ListOf, MapOf, Message, Scalar, Type, Union, enum_type

INPUTS, PARAMETERS, MODEL_ID = "inputs", "parameters", "model_id"

FIXED_ROUTES = {
    "GetRuntimeInfo": ("GET", RUNTIME_INFO_ENDPOINT),
    "GetModelsInfo": ("GET", MODELS_INFO_ENDPOINT),
    "GetTrainingStatus": ("GET", TRAINING_MANAGEMENT_ENDPOINT),
    "CancelTraining": ("DELETE", TRAINING_MANAGEMENT_ENDPOINT),
    "ListTrainings": ("GET", f"{TRAINING_MANAGEMENT_ENDPOINT}/list"),
    "GetTrainingLog": ("GET", f"{TRAINING_MANAGEMENT_ENDPOINT}/log"),
    "DeployModel": ("POST", MODEL_MANAGEMENT_ENDPOINT),
    "UndeployModel": ("DELETE", MODEL_MANAGEMENT_ENDPOINT),
}
_FIXED_NAMES = {route: name for name, route in FIXED_ROUTES.items()}
_JOB_ENDS = {
    ("POST", "job"): "StartPredictionJob",
    ("GET", "job"): "GetPredictionJobStatus",
    ("DELETE", "job"): "CancelPredictionJob",
    ("GET", "results"): "GetPredictionJobResult",
}
_TASK_PATH = re.compile(r"(?P<task>.*/task/[^/]+)(?:/job(?:/(?P<results>results))?)?")
_KINDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "object": "object"}
_REFERENCE = "#/components/schemas/"
_JSON = "application/json"
_LINES = "application/x-ndjson"
_EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Route:
    """Where an RPC is over HTTP, and which of its fields travel where in the body.

    `single` says that `inputs` is the value of the one input; `is_inference` that there are inputs and parameters.
    """

    method: str
    path: str
    is_inference: bool = False
    single: bool = False
    inputs: tuple[Field, ...] = ()


def rpcs_of(document: Mapping[str, Any]) -> list[Rpc]:
    """The RPCs with the routes that lead to them."""
    reader = _Reader(document)
    tasks = dict(reader.task_names())
    found = []
    for method, path, operation in reader.operations():
        name = _name(method, path, operation, tasks)
        if name is not None:
            found.append(reader.rpc(name, method, path, operation))
    return sorted(found, key=lambda rpc: rpc.name)


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas = _mapping(_mapping(document.get("components")).get("schemas"))

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, methods in _mapping(self._document.get("paths")).items():
            for method, operation in _mapping(methods).items():
                yield method.upper(), path, _mapping(operation)

    def task_names(self) -> Iterator[tuple[str, str]]:
        """The route of each task with the name of its request, less its end."""
        for method, path, operation in self.operations():
            title = str(_body(operation).get("title", ""))
            found = _TASK_PATH.fullmatch(path)
            if method == "POST" and found and title.endswith("Request.Body"):
                yield found["task"], title.removesuffix("Request.Body")

    def rpc(self, name: str, method: str, path: str, operation: Mapping[str, Any]) -> Rpc:
        service, _, short = name.rpartition(".")
        body = _body(operation)
        properties = _mapping(body.get("properties"))
        is_inference = MODEL_ID in properties
        if is_inference:
            inputs, single = self._inputs(_mapping(properties.get(INPUTS)))
            fields = (*inputs, *self._message_fields(_mapping(properties.get(PARAMETERS))))
        else:
            inputs, single = (), False
            fields = self._message_fields(body) if body else self._query_fields(operation)
        output, streams = self._output(operation)
        route = Route(method, path, is_inference, single, inputs)
        return Rpc(
            name=short,
            service=service,
            inputs=fields,
            nameless=inputs[0] if single else None,
            output=output,
            input_streaming=_LINES in _request_content(operation),
            output_streaming=streams,
            handle=route,
        )

    def _inputs(self, schema: Mapping[str, Any]) -> tuple[tuple[Field, ...], bool]:
        if schema.get("title") == INPUTS and "properties" in schema:
            fields = self._object_fields(schema)
            return tuple(Field(field.name, field.type, required=True) for field in fields), False
        return (Field(INPUTS, self._type(schema), required=True),), True

    def _message_fields(self, schema: Mapping[str, Any]) -> tuple[Field, ...]:
        type_ = self._type(schema) if schema else None
        return tuple(type_.fields.values()) if isinstance(type_, Message) else ()

    def _query_fields(self, operation: Mapping[str, Any]) -> tuple[Field, ...]:
        parameters = [_mapping(each) for each in operation.get("parameters") or ()]
        return tuple(
            Field(str(each.get("name")), self._type(_mapping(each.get("schema"))), bool(each.get("required")))
            for each in parameters
        )

    def _object_fields(self, schema: Mapping[str, Any]) -> list[Field]:
        properties = _mapping(schema.get("properties"))
        required = schema.get("required") or ()
        fields = [
            Field(name, self._type(_mapping(each)), name in required) for name, each in properties.items()
        ]
        # The schema of a message has unions twice: as such, and by the names of their members.
        doubles = {name for field in fields for name in _member_names(field)}
        return [field for field in fields if field.name not in doubles]

    def _output(self, operation: Mapping[str, Any]) -> tuple[Type, bool]:
        """The type of the answer, or of each part of a streamed one."""
        responses = _mapping(operation.get("responses"))
        content = _mapping(_mapping(responses.get("200")).get("content"))
        if _EVENTS in content:
            schema = _mapping(_mapping(content[_EVENTS]).get("schema"))
            return self._type(_mapping(schema.get("x-event-data"))), True
        if _JSON in content:
            return self._type(_mapping(_mapping(content[_JSON]).get("schema"))), False
        return Scalar("file"), False

    def _type(self, schema: Mapping[str, Any]) -> Type:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._named(reference.removeprefix(_REFERENCE))
        if "anyOf" in schema:
            return self._union([_mapping(each) for each in schema["anyOf"]])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), None)
        match kind:
            case "array":
                return ListOf(self._type(_mapping(schema.get("items"))))
            case "object" if isinstance(schema.get("additionalProperties"), dict):
                return MapOf(self._type(schema["additionalProperties"]))
            case "object" if "properties" in schema:
                return Message(str(schema.get("title", "object")), lambda: self._object_fields(schema))
            case "string" if schema.get("contentEncoding") == "base64":
                return Scalar("bytes")
            case "string" if schema.get("format") == "date-time":
                return Scalar("time")
            case _:
                return Scalar(_KINDS.get(str(kind), "any"))

    def _named(self, name: str) -> Type:
        schema = _mapping(self._schemas.get(name))
        if "enum" in schema:
            return enum_type(name, [each for each in schema["enum"] if isinstance(each, str)])
        return Message(name, lambda: self._object_fields(schema))

    def _union(self, schemas: Sequence[Mapping[str, Any]]) -> Type:
        types = [self._type(each) for each in schemas if each.get("type") != "null"]
        return types[0] if len(types) == 1 else Union(tuple(Field("", type_) for type_ in types))


def _member_names(field: Field) -> Iterator[str]:
    """What the members of a union are called where nobody has named them."""
    for member in field.type.members if isinstance(field.type, Union) else ():
        match member.type:
            case ListOf(item):
                yield f"{field.name}_{item}_sequence"
            case type_:
                yield f"{field.name}_{type_}".lower()


def _name(method: str, path: str, operation: Mapping[str, Any], tasks: Mapping[str, str]) -> str | None:
    """The full name of the RPC behind a route; None for a route that has none."""
    fixed = _FIXED_NAMES.get((method, path))
    if fixed is not None:
        return fixed
    found = _TASK_PATH.fullmatch(path)
    if found:
        stem = tasks.get(found["task"])
        end = _JOB_ENDS.get((method, path.rpartition("/")[2])) if path != found["task"] else "Predict"
        return f"{stem}{end}" if stem and end else None
    if method == "POST" and path.endswith("Train"):
        reference = str(_body(operation).get("$ref", ""))
        package = reference.removeprefix(_REFERENCE).rpartition(".")[0]
        name = path.rpartition("/")[2]
        return f"{package}.{name}" if package else name
    return None


def _body(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the body, or of each line of a streamed one."""
    content = _request_content(operation)
    if _LINES in content:
        return _mapping(_mapping(_mapping(content[_LINES]).get("schema")).get("x-line"))
    return _mapping(_mapping(content.get(_JSON)).get("schema"))


def _request_content(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(_mapping(operation.get("requestBody")).get("content"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
