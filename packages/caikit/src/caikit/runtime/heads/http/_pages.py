"""The pages that describe the API."""

from __future__ import annotations

import html
import json
from typing import Any

from caikit.runtime.transport.http_messages import HttpAnswer

from ._answers import JSON_HEADERS

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}}
td{{padding:.3rem 1rem .3rem 0;vertical-align:top}}code{{white-space:nowrap}}</style></head>
<body><h1>{title}</h1><p>{description}</p>
<p>The complete description is in <a href="openapi.json">openapi.json</a>.</p>
<table>{rows}</table></body></html>
"""


def json_page(content: Any) -> HttpAnswer:
    return HttpAnswer(200, json.dumps(content).encode(), JSON_HEADERS)


def document_page(document: dict[str, Any]) -> HttpAnswer:
    """A list of all operations."""
    rows = "".join(
        f"<tr><td><code>{method.upper()} {html.escape(path)}</code></td>"
        f"<td>{html.escape(operation.get('summary', ''))}</td>"
        f"<td>{html.escape(operation.get('description', ''))}</td></tr>"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    info = document["info"]
    page = _PAGE.format(
        title=html.escape(info["title"]), description=html.escape(info.get("description", "")), rows=rows
    )
    return HttpAnswer(200, page.encode(), [(b"content-type", b"text/html; charset=utf-8")])
