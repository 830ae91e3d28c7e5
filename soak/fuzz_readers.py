"""Gives one reader whatever the fuzzer thinks of: `python -m soak.fuzz_readers TARGET CORPUS [OPTION_OF_LIBFUZZER ...]`."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import atheris

with atheris.instrument_imports(
    include=["caikit.core.data_model", "caikit.runtime.heads", "caikit.runtime.transport", "python_multipart"]
):
    import soak_lib

    import caikit
    from caikit.core.data_model._codec import (
        JsonInputError,
        decode_given,
        decode_json,
        encode_bytes,
        parse_json,
    )
    from caikit.runtime.engine import RequestContext, RequestError
    from caikit.runtime.heads.http._answers import BadRequestError
    from caikit.runtime.heads.http._arguments import ArgumentPlan
    from caikit.runtime.heads.http._form import decode_form
    from caikit.runtime.services.inference import inference_rpcs
    from caikit.runtime.services.routes import http_route
    from soak.fuzz_native import READERS as NATIVE_READERS

Everything = soak_lib.Everything


def _make_plan() -> ArgumentPlan:
    """How the body of a request for the mirror is read."""
    caikit.configure(config_dict={"runtime": {"library": "soak_lib"}})
    rpc: Any = next(each for each in inference_rpcs(caikit.get_config()) if each.name == "MirrorTaskPredict")
    route: Any = http_route(rpc, "api/v1")
    return ArgumentPlan(rpc, route)


PLAN = _make_plan()


def read_protobuf(data: bytes) -> None:
    """What can be read can be written, and then reads the same."""
    try:
        given = decode_given(Everything, data)
    except ValueError:
        return
    first = Everything(**given)
    second = Everything(**decode_given(Everything, encode_bytes(first)))
    if _sorted(first) != _sorted(second):
        raise AssertionError(f"{first} reads differently: {second}")


def read_json(data: bytes) -> None:
    """What can be read, prints what can be read, as the same."""
    try:
        read = Everything.from_json(data.decode())
    except (ValueError, TypeError):
        return
    again = Everything.from_json(read.to_json())
    if _sorted(again) != _sorted(read):
        raise AssertionError(f"{read} reads differently: {again}")


def _sorted(value: Any) -> str:
    """Bytes have maps in any order."""
    return json.dumps(json.loads(value.to_json()), sort_keys=True)


def read_any_json(data: bytes) -> None:
    try:
        decode_json(Everything, parse_json(data))
    except JsonInputError:
        return


def _request(read: Callable[[ArgumentPlan, bytes, RequestContext], object], data: bytes) -> None:
    try:
        read(PLAN, data, RequestContext(headers={}))
    except (JsonInputError, BadRequestError, RequestError):
        return


def read_request(data: bytes) -> None:
    read_any_json(data)
    _request(lambda plan, body, context: plan.decode(body, context), data)


def read_multipart(data: bytes) -> None:
    _request(lambda plan, body, context: decode_form(plan, "b", body, context), data)


def read_lines(data: bytes) -> None:
    for line in data.split(b"\n"):
        _request(lambda plan, body, context: plan.decode(body, context), line)


_FORM = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--b--\r\n'
READERS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "protobuf": (
        read_protobuf,
        [encode_bytes(Everything(a_int=1, strings=["a"], words={"k": "v"}, choice="x"))],
    ),
    "json": (
        read_json,
        [Everything(a_int=1, lines=[soak_lib.Line("a", 1, 2)], choice=1, a_bytes=b"x").to_json().encode()],
    ),
    "request": (
        read_request,
        [b'{"model_id": "m", "inputs": {"a_int": 1}, "parameters": {"words": ["a"], "note": 3}}'],
    ),
    "multipart": (
        read_multipart,
        [_FORM % (b"inputs", b'{"a_str": "x"}'), _FORM % (b"parameters.words", b"x")],
    ),
    "lines": (read_lines, [b'{"model_id": "m", "inputs": {"a_int": 1}}\n{"inputs": {"free": {"a": [1]}}}']),
    **NATIVE_READERS,
}


def _instrument_generated() -> None:
    """Functions that were made at their first use, and so not imported."""
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith("<caikit"):
            atheris.instrument_func(each)


def main() -> None:
    target, corpus = sys.argv[1], Path(sys.argv[2])
    reader, seeds = READERS[target]
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
        reader(seed)
    _instrument_generated()
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], reader)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
