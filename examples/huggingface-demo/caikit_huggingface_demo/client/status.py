"""What the page says about the backend, in HTML."""

from __future__ import annotations

import html

from .backend import Backend
from .snapshot import Snapshot, State

_SYMBOLS = {State.READY: "✅️ ready", State.LOADING: "⏳ loading", State.FAILED: "⚠️ failed"}


def banner(snapshot: Snapshot, backend: Backend, seconds: int, has_tabs: bool) -> str:
    """Empty if all is well."""
    if not snapshot.reachable:
        return (
            f"⚠️ <b>The backend at {html.escape(backend.target)} does not answer.</b> "
            f"Trying again every {seconds} seconds. ({html.escape(snapshot.problem)})"
        )
    if not has_tabs and any(model.state is State.LOADING for model in snapshot.models):
        return "⏳ <b>The backend is loading its models.</b> Tabs appear as they are ready."
    if not has_tabs:
        return (
            "⚠️ <b>The backend has no model for this page.</b> "
            f"Copy a folder of example_models or example_models_extras to {html.escape(str(backend.models_dir))}."
        )
    return ""


def table(snapshot: Snapshot) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(model.id)}</td><td>{html.escape(', '.join(model.tasks or '-'))}</td>"
        f"<td style='white-space: nowrap'>{_SYMBOLS[model.state]}</td><td>{html.escape(model.text)}</td></tr>"
        for model in snapshot.models
    )
    return (
        f"<table class='models'><tr><th>Model ID</th><th>Task</th><th>State</th><th></th></tr>{rows}</table>"
    )
