"""The page from its start to its end."""

from __future__ import annotations

import os
import threading
import uuid
from pathlib import Path

# Before gradio is imported: nothing is reported to anybody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware

from .backend import Backend
from .guard import OwnPages, StayAtHome
from .layout import CSS, POLL_SECONDS, Layout
from .tabs import tabs_of
from .turns import Turns

_PAGES = "/page-"


class Page:
    """Built, shown and closed by whoever started it."""

    def __init__(self, backend: Backend, addresses: str, pictures: Path | None = None) -> None:
        self._backend = backend
        self._addresses = addresses
        self._pictures = sorted(map(str, pictures.glob("*.png"))) if pictures else []
        self._turns = Turns()
        self._tabs = tabs_of(backend.look().services)
        self._blocks = self._build()

    def show(self, port: int | None = None) -> str:
        """Serve the page, on the next port that is free; returns its address."""
        path = f"{_PAGES}{uuid.uuid4().hex}"
        self._blocks.launch(
            server_name="127.0.0.1",
            server_port=port,
            root_path=path,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            show_error=True,
            ssr_mode=False,
            footer_links=["api"],
            theme=gr.themes.Default(
                font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
            ),
            css=CSS,
            app_kwargs={
                "middleware": [Middleware(StayAtHome), Middleware(OwnPages, path=path, family=_PAGES)]
            },
        )
        return str(self._blocks.local_url).rstrip("/")

    def follow(self) -> None:
        """Until Ctrl-C: when the backend has other tasks than before, the page is made anew."""
        while True:
            # A wait without end could not be interrupted everywhere.
            threading.Event().wait(POLL_SECONDS)
            snapshot = self._backend.look()
            tabs = tabs_of(snapshot.services)
            if snapshot.reachable and tabs != self._tabs:
                self.close()
                self._tabs = tabs
                port, self._blocks = self._blocks.server_port, self._build()
                self.show(port)

    def close(self) -> None:
        self._blocks.close(verbose=False)

    def _build(self) -> gr.Blocks:
        layout = Layout(self._backend, self._turns, self._tabs, self._pictures)
        return layout.build(self._addresses)
