"""What can go wrong when a form asks, and how it is told."""

from __future__ import annotations

import re

import grpc


class InputError(ValueError):
    """What was typed cannot be sent; says where and why."""


class NotServedError(grpc.RpcError):
    """The backend does not have what was asked for."""


class ReplacedError(Exception):
    """Nobody waits for the answer any more."""


PROBLEMS = (InputError, grpc.RpcError)
"""What visitors are told."""


def words_of(problem: Exception) -> str:
    """What went wrong; in the words of the server or of gRPC if it went wrong there."""
    return str(problem.details() if hasattr(problem, "details") else problem)


def complaint(problem: Exception) -> str:
    return f"⚠️ {literally(words_of(problem))}"


def literally(text: str) -> str:
    """Markdown in which every sign stands for itself."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).replace("\n", "  \n")
