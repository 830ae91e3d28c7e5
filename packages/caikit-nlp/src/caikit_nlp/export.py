"""Makes a model folder that the engine onnx can serve: `python -m caikit_nlp.export MODEL FOLDER`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .modules.text_embedding import CrossEncoderModule, EmbeddingModule
from .modules.text_embedding._artifacts import make_onnx_model
from .modules.text_embedding._settings import EmbeddingSettings
from .modules.text_embedding._text_model import TextModel

__all__ = ["export_model", "main"]

_KINDS: dict[str, type[TextModel]] = {"embedding": EmbeddingModule, "cross-encoder": CrossEncoderModule}


def export_model(model: str, folder: str, kind: str = "embedding") -> None:
    """Write a model with its weights and its ONNX file into a folder that does not exist yet.

    Args:
        model: directory or name of a model of sentence-transformers
        folder: what the runtime will serve
        kind: embedding or cross-encoder
    """
    module = _KINDS[kind]
    module(make_onnx_model(module.KIND, EmbeddingSettings.read(), model)).save(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m caikit_nlp.export", description=__doc__)
    parser.add_argument("model", help="directory or name of a model of sentence-transformers")
    parser.add_argument("folder", help="directory to write, which must not exist yet")
    parser.add_argument("--kind", choices=sorted(_KINDS), default="embedding")
    given = parser.parse_args(arguments)
    try:
        export_model(given.model, given.folder, given.kind)
    except (ImportError, OSError, ValueError) as problem:
        print(f"{parser.prog}: {problem}", file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
