"""From a JSON body or a query string to the keyword arguments of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from caikit.core.data_model._codec import REFUSED, Issue, JsonInputError, decode_json_type, parse_json
from caikit.core.data_model._schema import Node, Repeated, schema_of
from caikit.runtime.engine import HttpRoute, Layout, Operation, RequestContext

from ._answers import MOST_ISSUES
from ._typed_body import (
    INPUTS,
    MODEL_ID,
    PARAMETERS,
    Arguments,
    Fields,
    no_model_id,
    typed_inference,
    typed_request,
)

Location = tuple[str | int, ...]

_BODY_KEYS = frozenset({INPUTS, PARAMETERS, MODEL_ID})


class ArgumentPlan:
    """Which field of the request travels where in the body."""

    def __init__(self, operation: Operation, route: HttpRoute) -> None:
        self.layout = route.layout
        self.fields: Fields = {field.name: field.type for field in schema_of(operation.request).fields}
        self.required: Fields = {name: self.fields[name] for name in route.required}
        self.parameters: Fields = {
            name: node for name, node in self.fields.items() if name not in self.required
        }
        self.single: str | None = route.required[0] if len(route.required) == 1 else None
        inference = route.layout is Layout.INFERENCE
        self._read: Callable[[Any, RequestContext], Arguments] = (
            self._read_inference if inference else self._read_request
        )
        self._read_typed = (
            typed_inference(self.required, self.parameters, self.single)
            if inference
            else typed_request(self.fields)
        )

    def decode(self, body: bytes, context: RequestContext) -> Arguments:
        """The arguments of a JSON body."""
        try:
            return self._read_typed(body, context)
        except REFUSED:
            return self._read(parse_json(body), context)

    def read(self, value: Any, context: RequestContext) -> Arguments:
        """The arguments of a body that was parsed already."""
        return self._read(value, context)

    def place_of(self, name: str) -> str:
        """Where the value of a field is expected in a body."""
        if self.layout is not Layout.INFERENCE:
            return name
        if name == self.single:
            return INPUTS
        return f"{INPUTS if name in self.required else PARAMETERS}.{name}"

    def decode_query(self, query: bytes, context: RequestContext) -> Arguments:
        """The arguments of a query string; what is not known is ignored."""
        given: dict[str, list[str]] = {}
        for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            given.setdefault(name, []).append(text)
        arguments: Arguments = {}
        issues: list[Issue] = []
        for name, node in self.fields.items():
            if name in given:
                value: Any = given[name] if isinstance(node, Repeated) else given[name][-1]
                _read_value(name, node, value, ("query", name), arguments, issues)
            elif name in self.required:
                issues.append(Issue("missing", ("query", name), "Field required", None))
        _complain(issues)
        return arguments

    def _read_request(self, value: Any, context: RequestContext) -> Arguments:
        arguments: Arguments = {}
        issues: list[Issue] = []
        _read_object(self.fields, value, (), arguments, issues)
        _complain(issues)
        return arguments

    def _read_inference(self, value: Any, context: RequestContext) -> Arguments:
        if not isinstance(value, dict):
            raise JsonInputError([_not_an_object(value, ())])
        arguments: Arguments = {}
        issues: list[Issue] = []
        inputs = value.get(INPUTS)
        if inputs is not None:
            if self.single is not None:
                _read_value(self.single, self.fields[self.single], inputs, (INPUTS,), arguments, issues)
            else:
                _read_object(self.required, inputs, (INPUTS,), arguments, issues)
        parameters = value.get(PARAMETERS)
        if parameters is not None:
            _read_object(self.parameters, parameters, (PARAMETERS,), arguments, issues)
        model_id = value.get(MODEL_ID, "")
        if type(model_id) is not str:
            issues.append(Issue("string_type", (MODEL_ID,), "Input should be a valid string", model_id))
        if not _BODY_KEYS.issuperset(value):
            unknown = [key for key in value if key not in _BODY_KEYS]
            issues += [_not_known(key, value[key], ()) for key in unknown[:MOST_ISSUES]]
        _complain(issues)
        if MODEL_ID in value:
            context.model_id = model_id
        elif context.model_id is None:
            raise no_model_id()
        return arguments


def _read_object(
    fields: Fields, value: Any, location: Location, arguments: Arguments, issues: list[Issue]
) -> None:
    if not isinstance(value, dict):
        issues.append(_not_an_object(value, location))
        return
    unknown: list[Issue] = []
    for key, item in value.items():
        node = fields.get(key)
        if node is None:
            if len(unknown) < MOST_ISSUES:
                unknown.append(_not_known(key, item, location))
        elif item is not None:
            _read_value(key, node, item, (*location, key), arguments, issues)
    issues.extend(unknown)


def _read_value(
    name: str, node: Node, value: Any, location: Location, arguments: Arguments, issues: list[Issue]
) -> None:
    try:
        arguments[name] = decode_json_type(node, value, location)
    except JsonInputError as error:
        issues.extend(error.issues)


def _complain(issues: list[Issue]) -> None:
    if issues:
        raise JsonInputError(issues)


def _not_an_object(value: Any, location: Location) -> Issue:
    return Issue("model_type", location, "Input should be an object", value)


def _not_known(key: str, value: Any, location: Location) -> Issue:
    return Issue("extra_forbidden", (*location, key), "Extra inputs are not permitted", value)
