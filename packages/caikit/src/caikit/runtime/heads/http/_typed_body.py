"""From the text of a JSON body straight to arguments, for bodies that have exactly the types of the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from caikit.core.data_model._codec import typed_arguments, typed_node
from caikit.core.data_model._schema import Node
from caikit.runtime.engine import RequestContext, RequestError, Status

Arguments = dict[str, Any]
Fields = Mapping[str, Node]
ReadTyped = Callable[[bytes, RequestContext], Arguments]
"""Raises one of `REFUSED` for a body that the lenient reader has to look at."""

INPUTS = "inputs"
PARAMETERS = "parameters"
MODEL_ID = "model_id"


def no_model_id() -> RequestError:
    return RequestError(Status.INVALID_ARGUMENT, "Please provide model_id in payload")


def typed_request(fields: Fields) -> ReadTyped:
    """The reader of a body that is the request itself."""
    typed = typed_arguments(fields)
    parse = msgspec.json.Decoder(typed.type).decode
    return lambda body, context: typed.value(parse(body))


def typed_inference(required: Fields, parameters: Fields, single: str | None) -> ReadTyped:
    """The reader of a body with model id, inputs and parameters."""
    inputs = typed_arguments(required) if single is None else typed_node(required[single])
    others = typed_arguments(parameters)
    body_type = msgspec.defstruct(
        "Body",
        [
            (MODEL_ID, str | msgspec.UnsetType, msgspec.UNSET),
            (INPUTS, inputs.type | None, None),
            (PARAMETERS, others.type | None, None),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    parse: Callable[[bytes], Any] = msgspec.json.Decoder(body_type).decode

    def read(body: bytes, context: RequestContext) -> Arguments:
        given = parse(body)
        arguments: Arguments = {} if given.parameters is None else others.value(given.parameters)
        if given.inputs is not None:
            value = inputs.value(given.inputs)
            if single is None:
                arguments.update(value)
            else:
                arguments[single] = value
        if given.model_id is not msgspec.UNSET:
            context.model_id = given.model_id
        elif context.model_id is None:
            raise no_model_id()
        return arguments

    return read
