"""Writes the interface files of the configured library: `.proto` files and `openapi.json`."""

from __future__ import annotations

import argparse
import inspect
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NoReturn

from caikit.config import configure, get_config
from caikit.core.toolkit.name_tools import snake_to_upper_camel

from ._dump_arguments import add_arguments
from .engine.operation import Operation
from .names import ServiceType
from .service_factory import ServicePackageFactory
from .services._lock import LockError
from .services._spec import RpcSpec
from .services.left_out import left_out, log_text
from .services.lock_file import check_lock, write_lock
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
    if "" not in sys.path and os.getcwd() not in sys.path:
        # As `python -m` does it: the library may lie here.
        sys.path.insert(0, os.getcwd())
    parser = argparse.ArgumentParser(prog="caikit-render-interfaces", description=__doc__)
    add_arguments(parser)
    with _plain_warnings(parser.prog):
        run(parser.parse_args(arguments), parser)


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Do what the arguments say; the parser tells of mistakes in them."""
    if options.lock:
        backwards_compatibility = {"lock_path": options.lock}
        configure(
            config_dict={
                "runtime": {"service_generation": {"backwards_compatibility": backwards_compatibility}}
            }
        )
    collecting: AbstractContextManager[list[str]] = left_out() if options.strict else nullcontext([])
    try:
        with collecting as lines:
            _run(options, parser)
    except LockError as problem:
        parser.exit(1, f"{parser.prog}: {problem}\n")
    if _report("Left out", lines):
        sys.exit(1)


@contextmanager
def _plain_warnings(program: str) -> Iterator[None]:
    """Warnings as lines for people, unless somebody has set up the logging."""
    root = logging.getLogger()
    handler = _PlainHandler(program)
    if not root.handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _PlainHandler(logging.Handler):
    def __init__(self, program: str) -> None:
        super().__init__(logging.WARNING)
        self._program = program

    def emit(self, record: logging.LogRecord) -> None:
        print(f"{self._program}: {log_text(record)}", file=sys.stderr)  # noqa: T201 - a command tells what it has found


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if options.check_lock:
        sys.exit(_report("Not as in the lock", check_lock(_all_rpcs)))
    if options.output_dir is None:
        parser.error("the following arguments are required: output_dir")
    _write(options)


def _write(options: argparse.Namespace) -> None:
    if options.clean and os.path.isdir(options.output_dir):
        shutil.rmtree(options.output_dir)
    os.makedirs(options.output_dir, exist_ok=True)
    if options.write_lock:
        _report("Changed for clients of the last lock", write_lock(_all_rpcs))
    runtime = get_config().runtime
    if runtime.grpc.enabled:
        dump_grpc_services(options.output_dir, options.write_modules_json, options.consolidate_packages)
    if runtime.http.enabled:
        dump_http_services(options.output_dir)


def _all_rpcs() -> list[RpcSpec]:
    return [spec for service_type in enabled_services() for spec in service_rpcs(service_type)]


def _report(title: str, lines: Sequence[str]) -> int:
    """Print what there is to tell; returns an exit code."""
    for line in lines:
        print(f"{title}: {line}", file=sys.stderr)  # noqa: T201 - a command tells what it has found
    return 1 if lines else 0


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
