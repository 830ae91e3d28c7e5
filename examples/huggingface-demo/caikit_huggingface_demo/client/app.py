"""The page as a whole: tabs that come and go with the models of the backend."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

# Before gradio is imported: nothing is reported to anybody.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware

from .backend import Backend
from .context import Context
from .guard import StayAtHome
from .snapshot import Snapshot, State
from .tabs import PICTURES, TABS, Tab
from .turns import Turns

_POLL_SECONDS = 2
_HEAD = """## Caikit Hugging Face demo
Each tab is a task, with a form to try it. A tab is there while the backend serves a model for its task:
add a folder with a one-line `config.yml` below `models`, and its tab appears."""
_CSS = """
.note, .note p { color: var(--body-text-color); opacity: 0.8; font-size: var(--text-sm); min-height: 1.4em; }
.banner { border: 1px solid #d97706; border-radius: 8px; background: #fffbeb; color: #78350f; padding: 10px 14px; }
.models td, .models th { text-align: left; padding: 2px 16px 2px 0; vertical-align: top; }
button[role=tab] { padding-left: 9px !important; padding-right: 9px !important; }
"""
_SYMBOLS = {State.READY: "✅️ ready", State.LOADING: "⏳ loading", State.FAILED: "⚠️ failed"}


class Page:
    """Built, shown and closed by whoever started it."""

    def __init__(self, backend: Backend, addresses: str, pictures: Path | None = None) -> None:
        self._backend = backend
        self._addresses = addresses
        self._pictures = sorted(map(str, pictures.glob("*.png"))) if pictures else []
        self._turns = Turns()
        self._changing: list[Any] = []
        self._models: list[gr.Dropdown] = []
        self._blocks = self._build(backend.look())

    def show(self) -> str:
        """Serve the page, on the next port that is free; returns its address."""
        self._blocks.launch(
            server_name="127.0.0.1",
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            show_error=True,
            ssr_mode=False,
            footer_links=["api"],
            theme=gr.themes.Default(
                font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
            ),
            css=_CSS,
            app_kwargs={"middleware": [Middleware(StayAtHome)]},
        )
        return str(self._blocks.local_url).rstrip("/")

    def close(self) -> None:
        self._blocks.close(verbose=False)

    def _build(self, snapshot: Snapshot) -> gr.Blocks:
        with gr.Blocks(title="Caikit Hugging Face demo", analytics_enabled=False) as blocks:
            gr.Markdown(_HEAD)
            seen = gr.State(None)
            first = next((tab.name for tab in TABS if snapshot.ready(tab.name)), None)
            selected = gr.State(first)
            self._changing += [gr.HTML(**self._banner(snapshot), elem_classes="banner")]
            with gr.Tabs(selected=first) as tabs:
                for tab in TABS:
                    self._build_tab(tab, snapshot)
            with gr.Accordion("Models", open=False):
                gr.Markdown(self._addresses)
                self._changing += [gr.HTML(_table(snapshot))]
            refresh = {
                "inputs": [seen, selected, *self._models],
                "outputs": [seen, selected, tabs, *self._changing],
                "api_visibility": "private",
                "show_progress": "hidden",
                "queue": False,
            }
            gr.Timer(_POLL_SECONDS).tick(self._refresh, **refresh)
            blocks.load(self._refresh, **refresh)
            tabs.select(_selected, None, [selected], api_visibility="private", queue=False)
        return blocks

    def _build_tab(self, tab: Tab, snapshot: Snapshot) -> None:
        ids = [model.id for model in snapshot.ready(tab.name)]
        examples = [[picture] for picture in self._pictures] if tab.examples is PICTURES else tab.examples
        with gr.Tab(tab.name, id=tab.name, visible=_visible(ids), elem_id=f"tab-{tab.name}") as page_tab:
            model = gr.Dropdown(ids, value=ids[0] if ids else None, label="Model ID")
            note = gr.Markdown(snapshot.note(tab.name, ids[0]) if ids else "", elem_classes="note")
            tab.form.build(Context(tab.name, self._backend, self._turns, model), examples)

            def tell(model_id: str | None) -> str:
                return self._backend.look().note(tab.name, model_id or "")

            model.change(tell, [model], [note], api_visibility="private", show_progress="hidden")
        self._changing += [page_tab, model, note]
        self._models.append(model)

    def _refresh(self, seen: Snapshot | None, selected: str | None, *chosen: str | None) -> Sequence[Any]:
        """New values for everything that depends on the backend, if something has changed since the last time."""
        snapshot = self._backend.look()
        if snapshot == seen:
            return [gr.skip()] * (3 + len(self._changing))
        there = [tab.name for tab in TABS if snapshot.ready(tab.name)]
        selected = selected if selected in there else next(iter(there), None)
        updates: list[Any] = [
            snapshot,
            selected,
            gr.Tabs(selected=selected),
            gr.HTML(**self._banner(snapshot)),
        ]
        for tab, model_id in zip(TABS, chosen, strict=True):
            ids = [model.id for model in snapshot.ready(tab.name)]
            kept = model_id if model_id in ids else next(iter(ids), None)
            updates += [
                gr.Tab(visible=_visible(ids)),
                gr.Dropdown(choices=ids, value=kept),
                snapshot.note(tab.name, kept or ""),
            ]
        return [*updates, _table(snapshot)]

    def _banner(self, snapshot: Snapshot) -> dict[str, Any]:
        if not snapshot.reachable:
            text = (
                f"⚠️ <b>The backend at {html.escape(self._backend.target)} does not answer.</b> "
                f"Trying again every {_POLL_SECONDS} seconds. ({html.escape(snapshot.problem)})"
            )
        elif not any(snapshot.ready(tab.name) for tab in TABS):
            text = (
                "⚠️ <b>The backend has no model for this page.</b> "
                "Copy a folder of example_models or example_models_extras to models."
            )
        else:
            return {"value": "", "visible": False}
        return {"value": text, "visible": True}


def _visible(ids: Sequence[str]) -> bool | Literal["hidden"]:
    """A tab without models is kept by the browser: gradio would go on to show the name of one that is not."""
    return True if ids else "hidden"


def _selected(event: gr.SelectData) -> str:
    return str(event.value)


def _table(snapshot: Snapshot) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(model.id)}</td><td>{html.escape(model.tab or '-')}</td>"
        f"<td style='white-space: nowrap'>{_SYMBOLS[model.state]}</td><td>{html.escape(model.text)}</td></tr>"
        for model in snapshot.models
    )
    return (
        f"<table class='models'><tr><th>Model ID</th><th>Task</th><th>State</th><th></th></tr>{rows}</table>"
    )
