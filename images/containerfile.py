"""Reads a Containerfile: what it takes, and what the image that it describes runs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# What these run is for a shell, or for nobody, to substitute.
_VERBATIM = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Stage:
    """What stands below one FROM."""

    base: str
    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == instruction]


def read_stages(containerfile: Path, arguments: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages, with the arguments in place of the defaults of each ARG."""
    arguments = arguments or {}
    before: dict[str, str] = {}
    stages: list[Stage] = []
    for line in _COMMENT.sub("", containerfile.read_text()).replace("\\\n", " ").splitlines():
        name, _, rest = line.strip().partition(" ")
        values = stages[-1].values if stages and name != "FROM" else before
        rest = rest.strip() if name in _VERBATIM else _substituted(rest.strip(), values)
        if not name:
            continue
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(base, alias))
        elif name == "ARG":
            (word,) = shlex.split(rest)
            key, _, default = word.partition("=")
            values[key] = arguments.get(key, default or before.get(key, ""))
        else:
            if name == "ENV":
                values |= pairs(rest)
            stages[-1].instructions.append((name, rest))
    return stages


def pairs(rest: str) -> dict[str, str]:
    """The names and values of an ENV or a LABEL."""
    return dict(word.split("=", 1) for word in shlex.split(rest))


def image_config(stage: Stage) -> dict[str, Any]:
    """What runs the image, in the form of the configuration of an OCI image."""
    config: dict[str, Any] = {"Env": [], "Labels": {}}
    for name, rest in stage.instructions:
        match name:
            case "ENV":
                config["Env"] += [f"{key}={value}" for key, value in pairs(rest).items()]
            case "LABEL":
                config["Labels"] |= pairs(rest)
            case "EXPOSE":
                config["ExposedPorts"] = {f"{port}/tcp": {} for port in rest.split()}
            case "VOLUME":
                config["Volumes"] = {path: {} for path in json.loads(rest)}
            case "USER":
                config["User"] = rest
            case "WORKDIR":
                config["WorkingDir"] = rest
            case "STOPSIGNAL":
                config["StopSignal"] = rest
            case "ENTRYPOINT":
                config["Entrypoint"] = json.loads(rest)
            case "HEALTHCHECK":
                config["Healthcheck"] = _health_check(rest)
            case "COPY":
                pass
            case _:
                raise ValueError(f"expected an instruction that needs no container, got {name} {rest}")
    return config


def _health_check(rest: str) -> dict[str, Any]:
    options, _, command = rest.partition("CMD ")
    check: dict[str, Any] = {"Test": ["CMD", *json.loads(command)]}
    for name, value in re.findall(r"--([\w-]+)=(\S+)", options):
        key = "".join(part.capitalize() for part in name.split("-"))
        check[key] = int(value) if value.isdigit() else int(value[:-1]) * _SECONDS[value[-1]] * 10**9
    return check


def _substituted(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), text)
