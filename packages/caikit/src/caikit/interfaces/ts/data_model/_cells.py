"""Single cells of a column as JSON text."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any


def cell_text(cell: Any) -> str:
    """The JSON text of a cell."""
    return _encode(cell)


def cell_value(text: str) -> Any:
    """The object in the JSON text of a cell."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"expected JSON text in a value of a time series, got {text[:80]!r}: {error}"
        ) from None


def _plain(cell: Any) -> Any:
    """What JSON has no form for, in a form that it has."""
    if _is_missing(cell):
        return None
    if hasattr(cell, "tolist"):
        return cell.tolist()
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, (bytes, bytearray)):
        return base64.b64encode(cell).decode("ascii")
    raise TypeError(f"expected a value with a JSON form in a time series, got {type(cell).__name__}")


def _is_missing(cell: Any) -> bool:
    """True for the markers NA and NaT of pandas."""
    return type(cell).__name__ in ("NAType", "NaTType")


_encode = json.JSONEncoder(default=_plain).encode

__all__ = ["cell_text", "cell_value"]
