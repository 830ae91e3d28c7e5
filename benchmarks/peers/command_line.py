"""The command line that all servers have."""

from __future__ import annotations

import argparse
from pathlib import Path

TASKS = ("tiny", "busy", "vector", "tokens", "device")
PATHS = {
    "tiny": "/api/v1/task/tiny",
    "busy": "/api/v1/task/busy",
    "vector": "/api/v1/task/vector",
    "tokens": "/api/v1/task/server-streaming-tokens",
    "device": "/api/v1/task/device",
}
LONGEST_BODY = 64 * 1024 * 1024
SILENT_SECONDS = 120
"""How long uvicorn shall keep connections that say nothing, since those are measured, too."""


def options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--task", choices=TASKS, default="tiny")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--models", type=int, default=1, help="how many are loaded, if a server can have several"
    )
    parser.add_argument("--batch", type=int, default=0, help="requests that may share a call of the model")
    parser.add_argument("--variant", default="", help="what a program offers more than one of")
    parser.add_argument("--folder", type=Path, required=True, help="for what the server wants to write")
    return parser.parse_args()
