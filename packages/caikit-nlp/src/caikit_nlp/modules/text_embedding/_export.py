"""Writing a transformer as an ONNX file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

from ...toolkit._imports import require

__all__ = ["ONNX_FILE", "export_onnx"]

ONNX_FILE = ("onnx", "model.onnx")
"""Where the file is in the directory of a model, as on the model hub."""

_OPSET = 17


def export_onnx(transformer: Any, inputs: Sequence[str], file: str) -> None:
    """Write a model of the transformers library; the sizes of batches and texts stay open."""
    require("onnx", "export", "exports to ONNX")
    import torch

    os.makedirs(os.path.dirname(file), exist_ok=True)
    transformer = transformer.float().cpu().eval()
    transformer.set_attn_implementation("eager")
    axes = {0: "batch", 1: "tokens"}
    example = torch.ones((2, 4), dtype=torch.int64)
    with warnings.catch_warnings(), torch.inference_mode():
        # Constants found while tracing and the exporter's own age are nothing a user can change.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Outputs.around(transformer, inputs),
            tuple(example.clone() for _ in inputs),
            file,
            input_names=list(inputs),
            output_names=[_output_name(transformer)],
            dynamic_axes={**dict.fromkeys(inputs, axes), _output_name(transformer): axes},
            opset_version=_OPSET,
            dynamo=False,
        )


def _output_name(transformer: Any) -> str:
    return "logits" if type(transformer).__name__.endswith("Classification") else "last_hidden_state"


class _Outputs:
    """Makes a module out of a model that takes its inputs by position and gives one tensor."""

    @staticmethod
    def around(transformer: Any, inputs: Sequence[str]) -> Any:
        import torch

        output = _output_name(transformer)

        class Traced(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.transformer = transformer

            def forward(self, *tensors: Any) -> Any:
                return getattr(self.transformer(**dict(zip(inputs, tensors, strict=True))), output)

        return Traced().eval()
