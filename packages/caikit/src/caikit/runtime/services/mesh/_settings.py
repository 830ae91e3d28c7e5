"""The section `inference_plugin.model_mesh` of the configuration, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SECTION = "inference_plugin.model_mesh"
_LARGEST = {"uint32": 2**32 - 1, "uint64": 2**64 - 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """What the mesh is told about this runtime, and how it counts sizes."""

    enabled: bool = True
    runtime_version: str = ""
    numeric_runtime_version: int = 0
    capacity: int = 0
    max_loading_concurrency: int = 0
    model_loading_timeout_ms: int = 0
    default_model_size: int = 0
    limit_model_concurrency: bool = False
    max_model_concurrency: int = 0
    max_model_concurrency_per_type: Mapping[str, int] = field(default_factory=dict)
    method_infos: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    allow_any_method: bool = False
    bytes_per_byte: Mapping[str, float] = field(default_factory=dict)
    """Per model type: bytes in memory for each byte on disk. Empty where only the sizer knows."""
    default_bytes_per_byte: float | None = None

    @classmethod
    def from_config(cls, config: Any) -> MeshSettings:
        mesh = config.inference_plugin.model_mesh
        sizer = config.model_management.sizers.default.type
        return cls(
            enabled=mesh.get("enabled", True) is not False,
            runtime_version=str(mesh.runtime_version or ""),
            numeric_runtime_version=_number(mesh, "numeric_runtime_version", "uint64"),
            capacity=_number(mesh, "capacity", "uint64"),
            max_loading_concurrency=_number(mesh, "max_loading_concurrency", "uint32"),
            model_loading_timeout_ms=_number(mesh, "model_loading_timeout_ms", "uint32"),
            default_model_size=_number(mesh, "default_model_size", "uint64"),
            limit_model_concurrency=bool(mesh.latency_based_autoscaling_enabled),
            max_model_concurrency=_number(mesh, "max_model_concurrency", "uint32"),
            max_model_concurrency_per_type={
                name: _whole(f"max_model_concurrency_per_type.{name}", number, "uint32")
                for name, number in (mesh.max_model_concurrency_per_type or {}).items()
            },
            method_infos=_method_infos(mesh.get("method_infos") or {}),
            allow_any_method=bool(mesh.get("allow_any_method")),
            bytes_per_byte=dict(mesh.model_size_multipliers or {}) if sizer == "MODEL_MESH" else {},
            default_bytes_per_byte={
                "MODEL_MESH": float(mesh.default_model_size_multiplier or 0),
                "DIRECTORY": 1.0,
            }.get(sizer),
        )

    def concurrency(self, model_type: str) -> int:
        """How many requests a model of this type may get at the same time."""
        return self.max_model_concurrency_per_type.get(model_type) or self.max_model_concurrency

    def size_in_memory(self, model_type: str, size_on_disk: int) -> int | None:
        """None where only the sizer knows."""
        if self.default_bytes_per_byte is None:
            return None
        return int(size_on_disk * (self.bytes_per_byte.get(model_type) or self.default_bytes_per_byte))


def _number(section: Any, key: str, kind: str) -> int:
    return _whole(key, section.get(key) or 0, kind)


def _whole(key: str, value: Any, kind: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST[kind]:
        raise ValueError(
            f"{_SECTION}.{key}: expected a whole number between 0 and {_LARGEST[kind]}, got {value!r}"
        )
    return value


def _method_infos(given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {
        method: tuple(_whole(f"method_infos.{method}", number, "uint32") for number in path or ())
        for method, path in given.items()
    }
