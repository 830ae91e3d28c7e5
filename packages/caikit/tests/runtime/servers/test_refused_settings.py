"""Settings with which nothing could be served, or not as they say."""

from __future__ import annotations

import math
import socket

import pytest
import requests

from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

MOST_SECONDS = r"from 0 to \d+"


def number_of(key: str, value: object, bounds: str = "", kind: str = "number") -> tuple[str, object, str]:
    return key, value, f"^expected a {kind}{bounds and ' '}{bounds} as {key}, got {value!r}$"


def whole(key: str, value: object, bounds: str = "") -> tuple[str, object, str]:
    return number_of(key, value, bounds, "whole number")


BY_BOTH = [
    whole("runtime.load_threads", -3, "of at least 1, or null for as many as are needed,"),
    whole("runtime.load_threads", "x"),
    whole("runtime.lazy_load_retries", -1, "of at least 0"),
    number_of("runtime.lazy_load_poll_period_seconds", -1, MOST_SECONDS),
    number_of("runtime.lazy_load_write_detection_period_seconds", "x"),
    whole("runtime.max_queued_requests", -1, "of at least 0, or null for no limit,"),
    whole("runtime.max_queued_requests", True),
    whole("runtime.max_held_request_bytes", -1, "of at least 0, or null for no limit,"),
    number_of("runtime.max_queue_seconds", -1, f"{MOST_SECONDS}, or null for no limit,"),
    number_of("runtime.request_read_seconds", math.inf, f"{MOST_SECONDS}, or null for no limit,"),
    number_of("runtime.stream_stall_seconds", -3, f"{MOST_SECONDS}, or null for no limit,"),
    number_of("runtime.stream_stall_seconds", math.nan, f"{MOST_SECONDS}, or null for no limit,"),
    whole("runtime.server_thread_pool_size", 0, "of at least 1"),
    whole("runtime.metrics.port", 70000, "from 0 to 65535"),
    number_of("runtime.metering.log_interval", -1, MOST_SECONDS),
    (
        "runtime.batching.default.size",
        -1,
        "^runtime.batching.default.size: expected a number of requests, got -1$",
    ),
    ("runtime.batching.default.size", True, "size: expected a number of requests, got True$"),
]
BY_GRPC = [
    whole("runtime.port", 70000, "from 0 to 65535"),
    whole("runtime.grpc.port", -1, "from 0 to 65535"),
    whole("runtime.grpc.port", math.inf),
    whole("runtime.grpc.maximum_concurrent_rpcs", 0, "of at least 1, or null for no limit,"),
    whole(
        "runtime.grpc.server_thread_pool_size",
        -1,
        "of at least 1, or null for runtime.server_thread_pool_size,",
    ),
    number_of("runtime.grpc.server_shutdown_grace_period_seconds", -1, MOST_SECONDS),
    ("runtime.grpc.options", 5, "^expected a mapping as runtime.grpc.options, got 5$"),
]
BY_HTTP = [
    whole("runtime.http.port", 70000, "from 0 to 65535"),
    whole("runtime.http.port", True),
    whole("runtime.http.port", 80.5),
    whole("runtime.http.max_body_size", -1, "of at least 0"),
    number_of("runtime.http.min_body_rate", -1, "of at least 0, or null for no limit,"),
    number_of("runtime.http.server_shutdown_grace_period_seconds", -1, MOST_SECONDS),
    whole("runtime.http.server_config.limit_concurrency", "x"),
    ("runtime.http.server_config", 5, "^expected a mapping as runtime.http.server_config, got 5$"),
    (
        "runtime.http.route_prefix",
        "a b",
        "^expected a path such as api/v1 as runtime.http.route_prefix, got 'a b'$",
    ),
    ("runtime.http.route_prefix", "../x", "as runtime.http.route_prefix, got '../x'$"),
    ("runtime.http.route_prefix", "x?y", r"as runtime.http.route_prefix, got 'x\?y'$"),
]


def nested(key: str, value: object) -> dict[str, object]:
    _, *names, last = key.split(".")
    settings: dict[str, object] = {last: value}
    for name in reversed(names):
        settings = {name: settings}
    return settings


@pytest.mark.parametrize(
    ("server", "key", "value", "sentence"),
    [(server, *case) for server in (RuntimeGRPCServer, RuntimeHTTPServer) for case in BY_BOTH]
    + [(RuntimeGRPCServer, *case) for case in BY_GRPC]
    + [(RuntimeHTTPServer, *case) for case in BY_HTTP],
)
def test_refused_with_the_key(configure, server, key, value, sentence):
    configure(**nested(key, value))
    with pytest.raises(ValueError, match=sentence):
        server()


@pytest.mark.parametrize("nothing", [None, 0, ""])
def test_what_stands_for_no_limit_is_taken(configure, nothing):
    configure(
        load_threads=nothing,
        max_queue_seconds=nothing,
        request_read_seconds=nothing,
        stream_stall_seconds=nothing,
        lazy_load_retries=nothing,
        lazy_load_write_detection_period_seconds=nothing or -1,
        max_queued_requests="5",
        grpc={"server_thread_pool_size": nothing, "options": {}},
        http={
            "max_body_size": nothing,
            "min_body_rate": nothing,
            "route_prefix": "a/~b..c",
            "server_config": {"limit_concurrency": -1},
            "server_shutdown_grace_period_seconds": nothing,
        },
        metrics={"port": nothing},
    )
    with RuntimeGRPCServer(), RuntimeHTTPServer() as server:
        answer = requests.post(
            f"http://127.0.0.1:{server.port}/a/~b..c/task/words",
            json={"model_id": "words", "inputs": "a"},
            timeout=5,
        )
    assert answer.json() == {"text": "A"}


def test_the_program_ends_with_one_sentence(start_program):
    program = start_program("-m", "caikit.runtime", load_threads=-3)
    assert program.finish() == 1
    assert "runtime.load_threads, got -3" in program.output[-1]


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="several workers need it")
@pytest.mark.parametrize(
    ("runtime", "sentence"),
    [
        ({"load_threads": -3}, "runtime.load_threads, got -3"),
        (
            {"http": {"port": 70000}},
            "expected a whole number from 0 to 65535 as runtime.http.port, got 70000",
        ),
        (
            {"grpc": {"server_shutdown_grace_period_seconds": "x"}},
            "expected a number as runtime.grpc.server_shutdown_grace_period_seconds, got 'x'",
        ),
    ],
)
def test_the_program_of_several_workers_says_the_same(start_program, runtime, sentence):
    program = start_program("-m", "caikit.runtime", workers=2, **runtime)
    assert program.finish() == 1
    assert sentence in "".join(program.output)
    assert "Traceback" not in "".join(program.output)
