"""What the page says about the backend, in HTML."""

from __future__ import annotations

import html

from .snapshot import Snapshot, State

_SYMBOLS = {State.READY: "✅️ ready", State.LOADING: "⏳ loading", State.FAILED: "⚠️ failed"}


def banner(snapshot: Snapshot, target: str, seconds: int, has_tabs: bool) -> str:
    """Empty if all is well."""
    if not snapshot.reachable:
        return (
            f"⚠️ <b>The backend at {html.escape(target)} does not answer.</b> "
            f"Trying again every {seconds} seconds. ({html.escape(snapshot.problem)})"
        )
    if not has_tabs:
        return (
            "⚠️ <b>The backend has no model for this page.</b> "
            "Copy a folder of example_models or example_models_extras to models."
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
