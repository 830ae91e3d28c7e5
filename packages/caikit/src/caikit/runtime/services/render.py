"""Data objects and services as `.proto` files."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caikit.core.data_model._render import package_file_name, render_parts, render_service
from caikit.core.data_model.dataobject import get_generated_proto_classes, render_dataobject_protos

__all__ = ["service_text", "write_consolidated", "write_per_object", "write_service"]


def service_text(service: Any) -> str:
    """The file of one service, for use beside one file per object."""
    return render_parts(service.file.package, imports=_imports(service), services=[_text(service)])


def write_service(service: Any, folder: str) -> None:
    """Writes `<service name>.proto`."""
    Path(folder, f"{service.name.lower()}.proto").write_text(service_text(service), encoding="utf-8")


def write_per_object(folder: str, services: Iterable[Any]) -> None:
    """One file per message and enum of this process, and one per service."""
    render_dataobject_protos(folder)
    for service in services:
        write_service(service, folder)


def write_consolidated(folder: str, services: Iterable[Any]) -> None:
    """One file per package."""
    packages: dict[str, _Package] = {}
    for made in get_generated_proto_classes():
        file = made.DESCRIPTOR.file
        packages.setdefault(file.package, _Package()).objects.append(file)
    for service in services:
        packages.setdefault(service.file.package, _Package()).services.append(service)
    for name, package in packages.items():
        text = package.text(name, packages.keys())
        Path(folder, package_file_name(name)).write_text(text, encoding="utf-8")


@dataclass
class _Package:
    """What one consolidated file holds."""

    objects: list[Any] = field(default_factory=list)
    services: list[Any] = field(default_factory=list)

    def text(self, name: str, packages: Collection[str]) -> str:
        return render_parts(
            name,
            imports=sorted(self._imports(packages) - {package_file_name(name)}),
            enums=_sorted(enum for file in self.objects for enum in file.enum_types_by_name.values()),
            messages=_sorted(
                message for file in self.objects for message in file.message_types_by_name.values()
            ),
            services=[_text(service) for service in _sorted(self.services)],
        )

    def _imports(self, packages: Collection[str]) -> set[str]:
        files = [*self.objects, *(service.file for service in self.services)]
        return {
            package_file_name(dependency.package) if dependency.package in packages else dependency.name
            for file in files
            for dependency in file.dependencies
        }


def _sorted(named: Iterable[Any]) -> list[Any]:
    return sorted(named, key=lambda descriptor: str(descriptor.name))


def _imports(service: Any) -> list[str]:
    return sorted(dependency.name for dependency in service.file.dependencies)


def _text(service: Any) -> str:
    return render_service(
        service.name,
        [
            (
                method.name,
                method.input_type.full_name,
                method.client_streaming,
                method.output_type.full_name,
                method.server_streaming,
            )
            for method in service.methods
        ],
    )
