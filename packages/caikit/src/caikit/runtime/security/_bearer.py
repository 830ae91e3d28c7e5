"""Reads the header or metadata `authorization`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._errors import NotValidError

LONGEST_TOKEN = 8192

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCHEME = "bearer"


def read_bearer(authorization: Sequence[str]) -> str:
    """The key or token; raises NotValidError for anything else."""
    if len(authorization) != 1:
        raise NotValidError("more than one authorization")
    value = authorization[0]
    if not isinstance(value, str):
        raise NotValidError("an authorization that is not text")
    if len(value) > LONGEST_TOKEN + len(_SCHEME) + 1:
        raise NotValidError(f"an authorization longer than {LONGEST_TOKEN} characters")
    scheme, _, token = value.strip(" \t").partition(" ")
    token = token.lstrip(" ")
    if scheme.lower() != _SCHEME:
        raise NotValidError("an authorization that is not Bearer")
    if not is_token(token):
        raise NotValidError("an authorization with characters that no key or token has")
    return token


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None
