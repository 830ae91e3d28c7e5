"""What the OpenAPI document promises."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soak.scenario import Scenario, Stage, option
from soak.server import LIBRARY, MODULES, Server

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "packages" / "caikit" / "tests" / "golden"
EXAMPLES = ROOT / "examples"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "events_fit",
)
# Where the modules of the golden library themselves fail: on an input that is not given.
GOLDEN_FAILURES = re.compile(r"'NoneType' object (has no attribute|is not iterable)|must be str, not")


@dataclass(frozen=True)
class _Library:
    name: str
    paths: tuple[Path, ...]
    models: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    """Which model a task asks for, by its name in the path."""
    needs: tuple[str, ...] = ()
    excuse: re.Pattern[str] | None = None


@dataclass(frozen=True, kw_only=True)
class OpenApi(Scenario):
    """Requests that schemathesis makes from the OpenAPI document, valid and not, get answers that it allows, and no 5xx."""

    name = "openapi"

    examples: int = option(
        12, short=1, help="random requests of each operation, beside those at the borders of its schema"
    )
    seconds: int = option(300, short=60, help="seconds that it may take for each library")

    def run(self, stage: Stage) -> None:
        if importlib.util.find_spec("schemathesis") is None:
            stage.fact("skipped", "schemathesis is not installed; `make soak` brings it")
            return
        for library in _libraries():
            missing = [name for name in library.needs if importlib.util.find_spec(name) is None]
            if missing:
                stage.fact(library.name, f"skipped, needs {', '.join(missing)}")
            else:
                self._attack(stage, library)

    def _attack(self, stage: Stage, library: _Library) -> None:
        server = stage.serve(
            library=library.name,
            paths=library.paths,
            models=library.models,
            memory=6000,
            settings={
                "data_streams": {"file_source_base": "models"},
                "runtime": {"server_thread_pool_size": 8},
            },
        )
        folder = stage.folder / f"schemathesis-{library.name}"
        folder.mkdir()
        report, output = self._run_tool(stage, server, library, folder)
        cases = report.get("test_cases", {})
        stage.count(f"{library.name}: requests", cases.get("generated", 0))
        stage.count(f"{library.name}: operations", report.get("operations", {}).get("tested", 0))
        stage.check(report.get("complete"), f"{library.name}: schemathesis did not finish: {output[-1000:]}")
        for error in re.findall(r"^\w+ Error\n\n(.*(?:\n.+)*)", output, re.MULTILINE):
            stage.check(False, f"{library.name}: schemathesis: {error}")
        for problem in _problems(output, library.excuse):
            stage.check(False, f"{library.name}: {problem}")
        stage.check(server.request("GET", "/health")[0] == 200, f"{library.name}: the server is not well")
        stage.stop(server) if library.excuse is None else server.close()

    def _run_tool(
        self, stage: Stage, server: Server, library: _Library, folder: Path
    ) -> tuple[dict[str, Any], str]:
        document = server.get("/openapi.json")[1]
        uses = {path: model for path in document["paths"] if (model := _model_of(path, library.uses))}
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--max-examples", str(self.examples), "--seed", str(stage.seed)),
            *("--checks", ",".join(CHECKS), "--continue-on-failure", "--request-timeout", "10"),
            *(
                "--report",
                "json",
                "--report-json-path",
                "report.json",
                "--phases",
                "examples,coverage,fuzzing",
            ),
            *("--suppress-health-check", "all", "--output-truncate", "false"),
        ]
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "soak.openapi_hooks",
            "SOAK_MODELS": json.dumps(uses),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "COLUMNS": "400",
        }
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=self.seconds + 120,
            check=False,
        )
        path = folder / "report.json"
        return json.loads(path.read_text()) if path.exists() else {}, done.stdout + done.stderr


def _model_of(path: str, uses: Mapping[str, str]) -> str | None:
    task = path.removesuffix("/job").rpartition("/")[2]
    return next(
        (model for name, model in uses.items() if task == name or task.endswith(f"-streaming-{name}")), None
    )


def _problems(output: str, excuse: re.Pattern[str] | None) -> list[str]:
    """One for each failed check: the operation, what is wrong, and the command that shows it."""
    found, operation = [], ""
    for part in re.split(r"^(?=_{5,} .* _{5,}$|\d+\. Test Case ID)", output, flags=re.MULTILINE):
        if header := re.match(r"_{5,} (.*) _{5,}$", part, re.MULTILINE):
            operation = header[1]
        titles = re.findall(r"^- (.*)$", part, re.MULTILINE)
        if titles and part[0].isdecimal() and not (excuse and excuse.search(part)):
            command = re.search(r"^    (curl .*)$", part, re.MULTILINE)
            answer = re.search(r"^\[\d+\] .*?(?=^Reproduce)", part, re.MULTILINE | re.DOTALL)
            shown = " ".join((answer[0] if answer else part).split())
            found.append(
                f"{operation}: {', '.join(titles)}: {shown[:4000]} after {command[1] if command else '?'}"
            )
    return found


def _libraries() -> list[_Library]:
    golden_models = {
        path.parent.name: path.read_text() for path in (GOLDEN / "lib" / "models").glob("*/config.yml")
    }
    golden_uses = {
        "greet": "greeter",
        "farewell": "multi",
        "echo": "party",
        "compare": "compare",
        "document": "file",
        "blob": "blob",
        "zip-stream": "zipper",
        "stream-only": "streamonly",
    }
    return [
        _Library(
            "golden_lib",
            (GOLDEN / "lib", GOLDEN / "shim"),
            golden_models,
            golden_uses,
            ("numpy",),
            GOLDEN_FAILURES,
        ),
        _Library(
            "soak_lib",
            (LIBRARY,),
            {name: f"module_id: {module}\n" for name, module in MODULES.items()},
            {"work": "worker", "mirror": "mirror", "tidy": "tidier"},
        ),
        _Library(
            "greeter",
            (EXAMPLES / "basics",),
            {"greeter": "module_id: 8c4d4c7e-1a50-4f7b-b3e5-57a7d3b1f0aa\nprefix: Hello,\n"},
            {"greeting": "greeter"},
        ),
        _Library("text_sentiment", (EXAMPLES / "text-sentiment",), needs=("safetensors", "tokenizers")),
    ]
