"""Granian, with the interface that the variant names: asgi or rsgi."""

from command_line import options
from granian import Granian

if __name__ == "__main__":
    chosen = options(__doc__)
    Granian(
        f"bare_{chosen.variant}:app",
        address="127.0.0.1",
        port=chosen.port,
        interface=chosen.variant,
        workers=chosen.workers,
        websockets=False,
    ).serve()
