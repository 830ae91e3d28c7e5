"""What may be the name of a model, and the name of a file inside a model."""

from __future__ import annotations

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status

_LONGEST_NAME = 255
_RULE = "it may not be empty, start with '.', contain '/', '\\' or control characters, or be longer than 255 bytes"


def is_path_part(name: str) -> bool:
    """True for a single path component that can never leave its directory."""
    return (
        name not in ("", ".", "..")
        and "/" not in name
        and "\\" not in name
        and name.isprintable()
        and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME
    )


def is_plain_name(name: str) -> bool:
    """A path component that is not hidden; hidden ones in a model directory are drafts and leftovers."""
    return is_path_part(name) and not name.startswith(".")


def require_plain_name(what: str, name: str) -> None:
    if not is_plain_name(name):
        raise RequestError(
            Status.INVALID_ARGUMENT, f"Invalid {what} {name!r}: expected a name, not a path; {_RULE}"
        )


def require_model_id(model_id: str | None) -> str:
    """The id itself; a missing or path-like id is the caller's mistake."""
    if not model_id:
        raise RequestError(Status.INVALID_ARGUMENT, "Missing required model ID")
    require_plain_name("model ID", model_id)
    return model_id
