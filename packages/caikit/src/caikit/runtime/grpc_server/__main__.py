"""Serves over gRPC alone."""

from __future__ import annotations

from caikit.runtime._serving.start_failures import told_in_one_sentence
from caikit.runtime._workers.program import run_program


def serve_alone() -> None:
    from ._server import main

    main()


if __name__ == "__main__":
    with told_in_one_sentence():
        run_program(["grpc"], serve_alone)
