"""The box for an image."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image, UnidentifiedImageError


def picture_box(label: str) -> gr.Image:
    box = gr.Image(label=label, type="pil", sources=["upload", "clipboard"], height=300, buttons=[])
    read = box.preprocess

    def preprocess(payload: Any) -> Any:
        try:
            return read(payload)
        except UnidentifiedImageError:
            raise _refusal("a file that is none") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise _refusal(f"a damaged one: {error}") from error
        except Image.DecompressionBombError as error:
            raise _refusal(f"one with far too many pixels: {error}") from error

    # A class of our own would make gradio write a stub file beside this one.
    box.preprocess = preprocess  # type: ignore[method-assign]
    return box


def _refusal(found: str) -> gr.Error:
    return gr.Error(f"expected an image file such as PNG or JPEG, got {found}", print_exception=False)
