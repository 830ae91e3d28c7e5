"""Serves over HTTP alone."""

from __future__ import annotations

from caikit.runtime._workers.program import run_program


def serve_alone() -> None:
    from ._server import main

    main()


if __name__ == "__main__":
    run_program(["http"], serve_alone)
