"""Servers beside each other: one command, a table of figures, a table of aims, a chart.

Each server has a virtual environment of its own and one core, the load generator another. Every answer is compared with one
that a real client has checked. The servers take turns in short runs, and the median run counts. What is wrong with one
server is in the table and stops nothing else.
"""

from __future__ import annotations

import argparse
import traceback
from pathlib import Path

import report

from . import publishing
from .bench import QUICK, THOROUGH, Bench, say
from .kinds import KINDS
from .questions import QUESTIONS

QUICK_SERVERS = ("caikit native", "caikit standard", "bare grpcio", "bare uvicorn", "mosec")


def main() -> None:
    options = _arguments()
    bench = Bench(QUICK if options.quick else THOROUGH)
    bench.install(options.servers or (QUICK_SERVERS if options.quick else ()))
    try:
        for name in options.questions:
            say(name)
            try:
                QUESTIONS[name](bench)
            except Exception:  # one question must not cost the answers to the others
                say(f"{name} failed:\n{traceback.format_exc()}")
    finally:
        report.write(options.output, bench.figures())
        publishing.write(options.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one round of short runs, fewer points, few servers"
    )
    parser.add_argument(
        "--servers", nargs="+", choices=[kind.name for kind in KINDS], default=[], metavar="NAME"
    )
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--output", type=Path, default=report.RESULTS / "serving.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
