"""A virtual environment for each kind of server, with the packages that its users would install, and nothing else."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "packages" / "caikit" / "src"
PEERS = ROOT / "benchmarks" / "peers"
REQUIREMENTS = PEERS / "requirements"
LONGEST_INSTALLATION = 420

_INSTALLED = """
import json, pathlib, sysconfig
from importlib import metadata
not_counted = {"pip", "setuptools", "wheel"}
found = [each for each in metadata.distributions() if each.name.lower() not in not_counted]
size = sum(
    path.lstat().st_size
    for top in pathlib.Path(sysconfig.get_path("purelib")).iterdir()
    if top.name.partition("-")[0] not in not_counted
    for path in ([top] if top.is_file() else top.rglob("*"))
    if path.is_file()
)
print(json.dumps({"versions": {each.name.lower(): each.version for each in found}, "bytes": size}))
"""


class InstallationError(Exception):
    """An environment cannot be made."""


@dataclass(frozen=True)
class Environment:
    python: str
    megabytes: float
    versions: dict[str, str]

    @property
    def distributions(self) -> int:
        return len(self.versions)


def environment(name: str) -> Environment:
    """Made by scripts/venv, unless it is there."""
    wanted = ["-r", str((REQUIREMENTS / f"{name}.txt").relative_to(ROOT))]
    if name == "caikit":
        wanted = ["-e", "packages/caikit[runtime-grpc,runtime-http]"]
    try:
        done = subprocess.run(
            ["scripts/venv", f"peer-{name}", *wanted],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LONGEST_INSTALLATION,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InstallationError(f"not installed within {LONGEST_INSTALLATION} s") from None
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
        raise InstallationError(f"cannot be installed: {reasons[0] if reasons else done.returncode}")
    python = str(ROOT / ".venvs" / f"peer-{name}" / "bin" / "python")
    # pip compiles what it installs; what stays where it is has to start as fast.
    subprocess.run([python, "-m", "compileall", "-q", str(SOURCE), str(PEERS)], timeout=60, check=True)
    printed = subprocess.run(
        [python, "-c", _INSTALLED], capture_output=True, text=True, timeout=60, check=True
    )
    installed = json.loads(printed.stdout)
    size = installed["bytes"] + (_source_size() if name == "caikit" else 0)
    return Environment(python, size / 1e6, installed["versions"])


def _source_size() -> int:
    """An editable installation leaves the package itself where it is."""
    return sum(path.stat().st_size for path in SOURCE.rglob("*") if path.is_file())
