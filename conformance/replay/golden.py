"""The recorded calls and the library that they were recorded with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("CAIKIT_GOLDEN", REPOSITORY / "packages" / "caikit" / "tests" / "golden"))
LIBRARY = GOLDEN / "lib"
SHIM = GOLDEN / "shim"
PROTOS = GOLDEN / "dump" / "consolidated"
OPENAPI = GOLDEN / "dump" / "openapi_served.json"


def load_records(name: str) -> list[Record]:
    """All records of one file, in recording order."""
    text = (GOLDEN / "exchanges" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
