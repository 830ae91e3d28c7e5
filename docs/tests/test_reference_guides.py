"""The guides can be followed, and their tables are true."""

from __future__ import annotations

import datetime
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest

from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.runtime.names import CAIKIT_STATUS_CODE_TO_GRPC, STATUS_CODE_TO_HTTP

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.stem for guide in GUIDES])
def test_can_be_followed(terminal, tmp_path: Path, guide: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(prepared(guide.read_text()))
    terminal.follow(page, install=False)
    if terminal.server:
        terminal.stop()


def prepared(text: str) -> str:
    """Without the commands of a tool that is not installed."""
    if shutil.which("grpcurl") is None:
        text = re.sub(
            r"^```sh\ngrpcurl .*?^```\n\n```text\n.*?^```\n", "", text, flags=re.DOTALL | re.MULTILINE
        )
    # programs with servers of their own must not take the ports of the page's server
    return text.replace("\npython serve_", "\nRUNTIME_GRPC_PORT=0 RUNTIME_HTTP_PORT=0 python serve_")


def table(guide: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without code marks."""
    text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text().partition(f"\n## {heading}\n")[2]
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows, heading
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in rows[1].splitlines()]
    return [[cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in cells]


def test_types_of_fields() -> None:
    rows = table("data-objects", "Types of fields")
    assert len(rows) > 5
    names = {"datetime": datetime, "numpy": numpy, "JsonDict": JsonDict}
    for hint, value, protobuf, text in rows:
        unique = f"Documented{uuid.uuid4().hex}"
        cls = make_dataobject(name=unique, annotations={"field": eval(hint, names)})
        item = cls(field=eval(value, names))
        assert wire_type(cls.get_proto_class().DESCRIPTOR) == protobuf, hint
        assert item.to_json() == f'{{"field": {text}}}', hint
        assert cls.from_json(item.to_json()).to_json() == item.to_json(), hint


def wire_type(message: Any) -> str:
    (field,) = message.fields
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, value = (scalar(entry.fields_by_name[each]) for each in ("key", "value"))
        return f"map<{key}, {value}>"
    label = "repeated " if field.is_repeated else ""
    return label + (entry.full_name if entry is not None else scalar(field))


def scalar(field: Any) -> str:
    return next(
        name.removeprefix("TYPE_").lower()
        for name in dir(field)
        if name.startswith("TYPE_") and getattr(field, name) == field.type
    )


def test_statuses() -> None:
    rows = {row[0]: (int(row[1]), int(row[2])) for row in table("errors-and-limits", "Statuses")}
    assert rows == {status.name: (status.value[0], code) for status, code in STATUS_CODE_TO_HTTP.items()}
    assert len(rows) == len(grpc.StatusCode)


def test_statuses_of_module_errors() -> None:
    rows = dict(table("errors-and-limits", "Errors of modules"))
    assert rows == {code.name: status.name for code, status in CAIKIT_STATUS_CODE_TO_GRPC.items()}


def test_states_of_jobs() -> None:
    from caikit.core.data_model import JobStatus

    assert [row[0] for row in table("training", "Over HTTP")] == [state.name for state in JobStatus]


def test_ports() -> None:
    defaults = (ROOT / "packages/caikit/src/caikit/config/config.yml").read_text()
    for _, port, key in table("serving", "A library and a model"):
        section = re.search(r"runtime\.(\w+)\.port", key)
        assert section
        assert re.search(rf"^  {section[1]}:\n(    .*\n)*?    port: {port}$", defaults, re.MULTILINE)
