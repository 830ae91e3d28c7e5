#!/usr/bin/env python
"""Starts a caikit backend with models of Hugging Face, and a page to try them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import caikit
import click
from caikit.core.toolkit import logging

if TYPE_CHECKING:
    from client import Backend

_OFFLINE = Path(__file__).parent / "offline_models"


@click.command()
@click.option("--backend/--no-backend", default=None, help="Start the backend: the caikit inference server.")
@click.option("--frontend/--no-frontend", default=None, help="Start the frontend: the gradio page.")
@click.option(
    "--offline",
    is_flag=True,
    help="Serve small models, made on this machine when first used, instead of ./models.",
)
def main(backend: bool | None, frontend: bool | None, offline: bool) -> None:
    """Start the backend and the frontend; naming one of them starts that one only."""
    with_backend = backend if backend is not None else frontend is not True
    with_frontend = frontend if frontend is not None else backend is not True
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import runtime  # noqa: F401 - registers the modules and configures the runtime

        if offline:
            _use_offline_models(make=with_backend)
        logging.configure()
        _run(with_backend, with_frontend, _OFFLINE / "pictures" if offline else None)
    except KeyboardInterrupt:
        pass


def _run(with_backend: bool, with_frontend: bool, pictures: Path | None) -> None:
    if with_backend and with_frontend:
        say("Command-line enabled Caikit gRPC backend server and frontend gradio UI")
    else:
        say("Command-line disabled backend and/or frontend:")
        if not with_backend:
            say("  * --no-backend")
        if not with_frontend:
            say("  * --no-frontend")
    if with_backend:
        with _serving() as (target, addresses):
            if with_frontend:
                _show_page(target, addresses, pictures)
            else:
                _wait_for_end()
    elif with_frontend:
        target = f"localhost:{caikit.get_config().runtime.port}"
        _show_page(target, f"The backend is at `{target}`.", pictures)
    else:
        _generate_services()
        say(
            "⚠️  Inference service generation completed, but no backend or frontend servers started "
            "due to command-line options."
        )


@contextmanager
def _serving() -> Iterator[tuple[str, str]]:
    """The backend; yields its gRPC target, and a sentence about its addresses."""
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer

    say("▶️  Starting the backend Caikit inference server...")
    Path(caikit.get_config().runtime.local_models_dir).mkdir(parents=True, exist_ok=True)
    has_started = False
    try:
        with RuntimeGRPCServer() as grpc_server, RuntimeHTTPServer() as http_server:
            has_started = True
            target = f"localhost:{grpc_server.port}"
            yield target, f"gRPC at `{target}`, HTTP at `http://localhost:{http_server.port}`."
    except KeyboardInterrupt as error:
        say(f"⏹️  Stopping the backend Caikit inference server due to {error!r}")
        if not has_started:
            raise


def _show_page(target: str, addresses: str, pictures: Path | None) -> None:
    from client import Backend, Page

    with Backend(target, caikit.get_config().runtime.local_models_dir) as backend:
        _report_tabs(backend)
        say(f"▶️  Starting the frontend gradio UI using backend target={target}")
        page = Page(backend, addresses, pictures)
        try:
            say(f"Running on local URL:  {page.show()}")
            page.follow()
        except KeyboardInterrupt:
            pass
        finally:
            page.close()
            say("⏹️  Stopped")


def _report_tabs(backend: Backend) -> None:
    from client import State, tabs_of

    snapshot = backend.look()
    tabs = tabs_of(snapshot.services)
    enabled = [tab for tab in tabs if tab.ready(snapshot)]
    for tab in tabs:
        if tab in enabled:
            say(f"✅️  {tab.name} tab is enabled!")
        elif reason := tab.trouble(snapshot):
            say(f"⚠️  Disabling {tab.name} tab due to:  {reason}")
    for training in snapshot.services.trainings:
        say(f"⚠️  Disabling {training} tab due to:  it is for training only")
    loading = [model.id for model in snapshot.models if model.state is State.LOADING]
    if loading:
        say(f"⏳  Their tabs appear when they are loaded: {', '.join(loading)}")
    elif not enabled:
        say("!!! NO UI TABS WERE SUCCESSFULLY LOADED !!!")
        say("  * Is the Caikit gRPC backend server running?")
        say("  * Did you add model configurations under caikit_huggingface_demo/models?")


def _generate_services() -> None:
    from caikit.runtime.service_factory import ServicePackageFactory

    ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)


def _use_offline_models(make: bool) -> None:
    if make:
        from offline import build_models

        build_models(_OFFLINE, say)
    caikit.configure(config_dict={"runtime": {"local_models_dir": str(_OFFLINE / "models")}})


def _wait_for_end() -> None:
    """Until Ctrl-C; a wait without end could not be interrupted everywhere."""
    while True:
        threading.Event().wait(3600)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
