"""The parts of the page: tabs that come and go with the models of the backend, and what is said around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr

from .backend import Backend
from .context import Context
from .snapshot import Snapshot
from .status import banner, table
from .tab import PICTURES, Tab
from .turns import Turns

POLL_SECONDS = 2
CSS = """
.note, .note p { color: var(--body-text-color); opacity: 0.8; font-size: var(--text-sm); min-height: 1.4em; }
.banner { border: 1px solid #d97706; border-radius: 8px; background: #fffbeb; color: #78350f; padding: 10px 14px; }
.models td, .models th { text-align: left; padding: 2px 16px 2px 0; vertical-align: top; }
button[role=tab] { padding-left: 9px !important; padding-right: 9px !important; }
"""
_HEAD = """## Caikit Hugging Face demo
Each tab is a task, with a form to try it. A tab is there while the backend serves a model for its task:
add a folder with a one-line `config.yml` below `{models}`, and its tab appears."""
# A page that was made before the one that is served now would call the wrong functions.
_RELOAD = """() => setInterval(async () => {
    const answer = await fetch("gradio_api/app_id").catch(() => null);
    if (answer?.ok && (await answer.json()).app_id !== window.gradio_config.app_id) window.location.reload();
}, 1000)"""


class Layout:
    """Of one making of the page."""

    def __init__(self, backend: Backend, turns: Turns, tabs: Sequence[Tab], pictures: Sequence[str]) -> None:
        self._backend = backend
        self._turns = turns
        self._tabs = tabs
        self._pictures = pictures
        self._changing: list[Any] = []
        self._models: list[gr.Dropdown] = []

    def build(self, addresses: str) -> gr.Blocks:
        snapshot = self._backend.look()
        blocks: gr.Blocks
        with gr.Blocks(title="Caikit Hugging Face demo", analytics_enabled=False) as blocks:
            gr.Markdown(_HEAD.format(models=self._backend.models_dir))
            seen = gr.State(None)
            first = next((tab.name for tab in self._tabs if tab.ready(snapshot)), None)
            selected = gr.State(first)
            self._changing += [gr.HTML(**self._banner(snapshot), elem_classes="banner")]
            with gr.Tabs(selected=first) as tabs:
                for tab in self._tabs:
                    self._build_tab(tab, snapshot)
            with gr.Accordion("Models", open=False):
                gr.Markdown(addresses)
                self._changing += [gr.HTML(table(snapshot))]
            refresh: dict[str, Any] = {
                "inputs": [seen, selected, *self._models],
                "outputs": [seen, selected, tabs, *self._changing],
                "api_visibility": "private",
                "show_progress": "hidden",
                "queue": False,
            }
            gr.Timer(POLL_SECONDS).tick(self._refresh, **refresh)
            blocks.load(self._refresh, **refresh)
            blocks.load(None, js=_RELOAD)
            tabs.select(_selected, None, [selected], api_visibility="private", queue=False)
        return blocks

    def _build_tab(self, tab: Tab, snapshot: Snapshot) -> None:
        def ready() -> list[str]:
            return tab.ready(self._backend.look())

        def tell(model_id: str | None) -> str:
            return tab.note(self._backend.look(), model_id)

        ids = tab.ready(snapshot)
        examples = [[picture] for picture in self._pictures] if tab.examples is PICTURES else tab.examples
        with gr.Tab(tab.name, id=tab.name, visible=_visible(ids), elem_id=f"tab-{tab.name}") as page_tab:
            model = gr.Dropdown(ids, value=ids[0] if ids else None, label="Model ID")
            note = gr.Markdown(tab.note(snapshot, ids[0]) if ids else "", elem_classes="note")
            tab.form.build(Context(tab.name, tab.task, self._backend, self._turns, model, ready), examples)
            model.change(tell, [model], [note], api_visibility="private", show_progress="hidden")
        self._changing += [page_tab, model, note]
        self._models.append(model)

    def _refresh(self, seen: Snapshot | None, selected: str | None, *chosen: str | None) -> Sequence[Any]:
        """New values for everything that depends on the backend, if something has changed since the last time."""
        snapshot = self._backend.look()
        if snapshot == seen:
            return [gr.skip()] * (3 + len(self._changing))
        there = [tab.name for tab in self._tabs if tab.ready(snapshot)]
        selected = selected if selected in there else next(iter(there), None)
        updates: list[Any] = [
            snapshot,
            selected,
            gr.Tabs(selected=selected),
            gr.HTML(**self._banner(snapshot)),
        ]
        for tab, model_id in zip(self._tabs, chosen, strict=True):
            ids = tab.ready(snapshot)
            kept = model_id if model_id in ids else next(iter(ids), None)
            updates += [
                gr.Tab(visible=_visible(ids)),
                gr.Dropdown(choices=ids, value=kept),
                tab.note(snapshot, kept),
            ]
        return [*updates, table(snapshot)]

    def _banner(self, snapshot: Snapshot) -> dict[str, Any]:
        text = banner(snapshot, self._backend, POLL_SECONDS, any(tab.ready(snapshot) for tab in self._tabs))
        return {"value": text, "visible": bool(text)}


def _visible(ids: Sequence[str]) -> bool | Literal["hidden"]:
    """A tab without models is kept by the browser: gradio would go on to show the name of one that is not."""
    return True if ids else "hidden"


def _selected(event: gr.SelectData) -> str:
    return str(event.value)
