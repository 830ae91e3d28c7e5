from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from .package import CAIKIT_DATA_MODEL

all_enum_names: list[str] = []


def import_protobufs(proto_dir: str, package_base_name: str, current_globals: dict[str, Any]) -> None:
    """Import every *_pb2 module of a directory and publish its messages and enums, here and in the given globals."""
    from . import protobufs

    found: dict[str, Any] = {}
    enum_names: list[str] = []
    for path in sorted(Path(proto_dir).glob("*_pb2.py")):
        module = importlib.import_module(f"{package_base_name}.{path.stem}")
        file = module.DESCRIPTOR
        if not file.package.startswith(CAIKIT_DATA_MODEL):
            continue
        found.update({name: getattr(module, name) for name in file.message_types_by_name})
        found.update({name: getattr(module, name) for name in file.enum_types_by_name})
        enum_names.extend(file.enum_types_by_name)
    for name, value in found.items():
        setattr(protobufs, name, value)
    current_globals.update(found)
    current_globals["all_enum_names"] = enum_names
    all_enum_names.extend(name for name in enum_names if name not in all_enum_names)
