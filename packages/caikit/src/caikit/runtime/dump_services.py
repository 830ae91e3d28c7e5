"""Writes the interface files of the configured library: `.proto` files and `openapi.json`."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import shutil
from collections.abc import Sequence
from typing import Any, NoReturn

from caikit.config import get_config
from caikit.core.toolkit.name_tools import snake_to_upper_camel

from .engine.operation import Operation
from .names import ServiceType
from .service_factory import ServicePackageFactory
from .services._spec import RpcSpec
from .services.modules_file import write_modules
from .services.package import enabled_services, service_rpcs
from .services.render import write_consolidated, write_per_object
from .services.routes import http_route
from .utils.import_util import clean_lib_names, get_dynamic_module

__all__ = ["dump_grpc_services", "dump_http_services", "main"]

_PROTO_SERVICES = (ServiceType.TRAINING_MANAGEMENT, ServiceType.INFO)
_HTTP_SERVICES = (ServiceType.MODEL_MANAGEMENT, ServiceType.TRAINING_MANAGEMENT, ServiceType.INFO)


def dump_grpc_services(output_dir: str, write_modules_file: bool, consolidate: bool = False) -> None:
    """Writes the `.proto` files of all data objects and services, one per object or one per package."""
    service_types = (*enabled_services(), *_PROTO_SERVICES)
    packages = [ServicePackageFactory.get_service_package(service_type) for service_type in service_types]
    if write_modules_file:
        write_modules()
    os.makedirs(output_dir, exist_ok=True)
    write = write_consolidated if consolidate else write_per_object
    write(output_dir, [package.descriptor for package in packages])


def dump_http_services(output_dir: str) -> None:
    """Writes `openapi.json` without starting a server or loading a model."""
    from .heads.http.openapi import build_openapi

    config = get_config()
    document = build_openapi(
        _operations(config),
        title=_title(config),
        version=str(config.runtime.version_info.runtime_image or ""),
        description=_library_doc(config),
    )
    os.makedirs(output_dir, exist_ok=True)
    with open(os.path.join(output_dir, "openapi.json"), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="caikit-render-interfaces", description=__doc__)
    parser.add_argument("output_dir", help="folder for the files; made if it does not exist")
    parser.add_argument(
        "-j", "--write-modules-json", action="store_true", help="also write the list of served modules"
    )
    parser.add_argument("-c", "--clean", action="store_true", help="remove the folder first")
    parser.add_argument(
        "-p",
        "--consolidate-packages",
        action="store_true",
        help="one file per package instead of one per object",
    )
    options = parser.parse_args(arguments)
    if options.clean and os.path.isdir(options.output_dir):
        shutil.rmtree(options.output_dir)
    os.makedirs(options.output_dir, exist_ok=True)
    runtime = get_config().runtime
    if runtime.grpc.enabled:
        dump_grpc_services(options.output_dir, options.write_modules_json, options.consolidate_packages)
    if runtime.http.enabled:
        dump_http_services(options.output_dir)


def _operations(config: Any) -> list[Operation]:
    service_types = (*enabled_services(), *_HTTP_SERVICES)
    specs = [spec for service_type in service_types for spec in service_rpcs(service_type, config)]
    return [_operation(spec, str(config.runtime.http.route_prefix or "")) for spec in specs]


def _operation(spec: RpcSpec, prefix: str) -> Operation:
    def not_served(context: Any, arguments: Any) -> NoReturn:
        raise NotImplementedError(f"{spec.name} is described here, not served")

    return Operation(
        name=spec.name,
        service=spec.service,
        shape=spec.shape,
        request=spec.request,
        response=spec.response,
        work=not_served,
        kind=spec.kind,
        http=http_route(spec, prefix),
    )


def _title(config: Any) -> str:
    names = clean_lib_names(config.runtime.library)
    return snake_to_upper_camel(names[0]) if names else "caikit"


def _library_doc(config: Any) -> str:
    names = clean_lib_names(config.runtime.library)
    return (names and inspect.getdoc(get_dynamic_module(names[0]))) or ""


if __name__ == "__main__":
    main()
