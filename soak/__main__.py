"""Attack running servers: `python -m soak [NAME ...]`; without names, everything."""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from .scenario import Scenario, Stage
from .scenarios.chaos import Chaos
from .scenarios.connections import KeepAlive, SlowReaders
from .scenarios.folders import ChangingFolders
from .scenarios.fuzz import Fuzz
from .scenarios.kill import Kill
from .scenarios.many_models import ManyModels
from .scenarios.mutations import Mutations
from .scenarios.openapi import OpenApi
from .scenarios.overload import Overload
from .scenarios.stop import StopUnderLoad
from .scenarios.walk_away import WalkAway
from .scenarios.wire import Wire
from .scenarios.workers import KilledWorkers

TRANSPORTS = ("standard", "native")
SCENARIOS: dict[str, type[Scenario]] = {
    each.name: each
    for each in (
        WalkAway,
        Overload,
        StopUnderLoad,
        Kill,
        KilledWorkers,
        ChangingFolders,
        ManyModels,
        KeepAlive,
        SlowReaders,
        Chaos,
        Mutations,
        Wire,
        OpenApi,
        Fuzz,
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _end)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="caikit-soak-"))
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
    print(f"seed {seed}", flush=True)
    start, failed = time.monotonic(), []
    try:
        for name in options.names or SCENARIOS:
            for transport in _transports(SCENARIOS[name], options.transport):
                faulthandler.dump_traceback_later(60 * options.minutes, exit=False)
                if not _run(SCENARIOS[name], options, transport, folder, seed):
                    failed.append(f"{name} ({transport})")
    finally:
        faulthandler.cancel_dump_traceback_later()
        if failed and options.keep:
            print(f"Logs of the servers: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(
        f"\n{_duration(time.monotonic() - start)}, "
        + (f"failed: {', '.join(failed)}" if failed else "all well")
    )
    return 1 if failed else 0


def _transports(kind: type[Scenario], wanted: str) -> Sequence[str]:
    """The transports that an attack is run against; one that attacks no server is run once."""
    if not kind.attacks_servers:
        return TRANSPORTS[:1]
    return TRANSPORTS if wanted == "both" else [wanted]


def _run(kind: type[Scenario], options: argparse.Namespace, transport: str, folder: Path, seed: int) -> bool:
    title = f"{kind.name} ({transport})" if kind.attacks_servers else kind.name
    print(f"\n{title}: {kind.__doc__}", flush=True)
    own = folder / f"{kind.name}-{transport}"
    own.mkdir()
    stage, start = Stage(own, seed, transport), time.monotonic()
    try:
        kind(**_numbers(kind, options)).run(stage)
    except Exception as error:
        stage.check(False, f"{type(error).__name__}: {error}")
    finally:
        stage.close()
    _report(stage, time.monotonic() - start)
    return not stage.problems


def _report(stage: Stage, seconds: float) -> None:
    for what, number in sorted(stage.counts.items()):
        print(f"  {number:>8,}  {what}")
    for what, value in stage.facts.items():
        print(f"  {what}: {value}")
    for problem in stage.problems:
        print(f"  PROBLEM: {problem}")
    if stage.problem_count > len(stage.problems):
        print(f"  {stage.problem_count} problems in all, equal ones included")
    print(f"  {'FAILED' if stage.problems else 'ok'} after {_duration(seconds)}", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[*SCENARIOS, []], help=", ".join(SCENARIOS)
    )
    parser.add_argument(
        "--transport", choices=[*TRANSPORTS, "both"], default="both", help="what listens (both, one by one)"
    )
    parser.add_argument(
        "--short", action="store_true", help="everything a little: seconds instead of minutes"
    )
    parser.add_argument("--seed", type=int, help="of all random numbers; printed at the start")
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder with the logs when something fails"
    )
    parser.add_argument(
        "--minutes", type=float, default=15, help="of one attack, after which it tells where it hangs"
    )
    for kind in SCENARIOS.values():
        group = parser.add_argument_group(kind.name, kind.__doc__)
        for each in fields(kind):
            text = f"{each.metadata['help']} ({each.default:g}; short: {each.metadata['short']:g})"
            group.add_argument(
                f"--{kind.name}.{each.name.replace('_', '-')}",
                type=type(each.default),
                metavar="N",
                help=text,
            )
    return parser.parse_args(arguments)


def _numbers(kind: type[Scenario], options: argparse.Namespace) -> dict[str, Any]:
    numbers = {}
    for each in fields(kind):
        given = getattr(options, f"{kind.name}.{each.name.replace('_', '-')}".replace("-", "_"))
        default = each.metadata["short"] if options.short else each.default
        numbers[each.name] = default if given is None else given
    return numbers


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        print("broken off")
        status = 130
    sys.stdout.flush()
    # Threads of an attack that was broken off must not hold the end.
    os._exit(status)
