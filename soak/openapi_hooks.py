"""What schemathesis must know about the servers; it imports this by its name."""

from __future__ import annotations

import json
import os
from typing import Any

import jsonschema_rs
import schemathesis

# Parameters of the served modules that make a call long or large, or end the process.
_CALM = {"sleep": 0.0, "seconds": 0.0, "times": 2, "count": 3, "pad": 10, "die": False, "fail": None}
_MODELS: dict[str, str] = json.loads(os.environ.get("SOAK_MODELS", "{}"))
_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Streams are strings to OpenAPI 3.1; here they are what they consist of."""
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            lines = operation.get("requestBody", {}).get("content", {}).get(_LINES)
            if lines:
                lines["schema"] = {
                    "type": "array",
                    "items": lines["schema"]["x-line"],
                    "minItems": 1,
                    "maxItems": 3,
                }
            answers = operation["responses"]["200"].get("content", {})
            events = answers.get(_EVENTS)
            if events:
                operation["x-event-data"] = events["schema"]["x-event-data"]
                events["schema"] = {"type": "object", "required": ["event", "data"]}


@schemathesis.serializer(_LINES)
def write_lines(context: Any, value: Any) -> bytes:
    lines = value if isinstance(value, list) else [value]
    return b"\n".join(json.dumps(line).encode() for line in lines)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Mostly ask for a model that is there."""
    body = _calm(body)
    model = _MODELS.get(context.operation.path) if context.operation is not None else None
    if model and isinstance(body, dict) and len(str(body)) % 5:
        body["model_id"] = model
    if model and isinstance(body, list) and body and isinstance(body[0], dict):
        body[0]["model_id"] = model
    return body


@schemathesis.check
def events_fit(context: Any, response: Any, case: Any) -> None:
    """Each result in a stream of events fits its schema."""
    schema = case.operation.definition.raw.get("x-event-data")
    if schema is None or not response.headers.get("content-type", [""])[0].startswith(_EVENTS):
        return
    components = case.operation.schema.raw_schema.get("components", {})
    validator = jsonschema_rs.validator_for({**schema, "components": components})
    for frame in response.content.decode().replace("\r\n", "\n").split("\n\n"):
        kind, _, data = frame.partition("\ndata: ")
        if kind == "event: message":
            validator.validate(json.loads(data))
        elif kind == "event: error" and json.loads(data)["code"] >= 500:
            raise AssertionError(f"an error of the server: {data}")


def _calm(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _CALM[key] if key in _CALM else _calm(item) for key, item in value.items()}
    return [_calm(item) for item in value] if isinstance(value, list) else value
