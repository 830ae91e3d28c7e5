from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter

import pytest
import wire

GREET = "/api/v1/task/greet"
SERVICE = "/caikit.runtime.GoldenLib.GoldenLibService/"
GREETER = (("mm-model-id", "greeter"),)
SHORT_GRACE = {
    "runtime": {
        "http": {"server_shutdown_grace_period_seconds": 0.5},
        "grpc": {"server_shutdown_grace_period_seconds": 0.5},
    }
}


def content(sleep: float) -> dict[str, object]:
    return {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"sleep": sleep}}


def test_no_admitted_request_is_lost(start_server):
    server = start_server()
    seen: Counter[str] = Counter()
    stopping = threading.Event()

    def over_http():
        while not stopping.is_set():
            seen[f"http {server.post(GREET, content(0.05))[0]}"] += 1

    def over_grpc():
        while not stopping.is_set():
            seen[f"grpc {server.call('GreetTaskPredict', wire.greeting(sleep=0.05))[0]}"] += 1

    threads = [threading.Thread(target=over_http if i % 2 else over_grpc) for i in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    stopping.set()
    seconds = server.terminate(within=10)
    for thread in threads:
        thread.join()

    assert set(seen) == {"http 200", "grpc OK"}
    assert seconds < 3


def test_calls_that_come_at_the_moment_of_the_stop_may_be_repeated(start_server):
    server = start_server()
    seen: Counter[str] = Counter()

    def call_until_refused():
        with server.channel() as channel:
            greet = channel.unary_unary(f"{SERVICE}GreetTaskPredict")
            codes = {"OK"}
            while codes == {"OK"}:
                calls = [greet.future(wire.greeting(), metadata=GREETER, timeout=20) for _ in range(50)]
                answers = [call.code().name for call in calls]
                seen.update(answers)
                codes = set(answers)

    threads = [threading.Thread(target=call_until_refused) for _ in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.terminate(within=10)
    for thread in threads:
        thread.join()

    assert set(seen) == {"OK", "UNAVAILABLE"}


def test_clients_that_connect_at_the_moment_of_the_stop_are_answered(start_server):
    server = start_server()
    seen: Counter[str] = Counter()

    def ask_until_refused():
        while True:
            try:
                client = server.connect()
            except OSError:
                return
            with client:
                try:
                    client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
                    seen["answered" if client.recv(1000) else "closed"] += 1
                except ConnectionError as error:
                    seen[type(error).__name__] += 1

    threads = [threading.Thread(target=ask_until_refused) for _ in range(12)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.terminate(within=10)
    for thread in threads:
        thread.join()

    assert set(seen) == {"answered"}


def test_connections_that_wait_do_not_hold_the_server(start_server):
    server = start_server()
    idle = [server.connect(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n") for _ in range(5)]
    idle.append(server.connect(b"POST /api"))
    half = b"POST /api/v1/task/greet HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    idle.append(server.connect(half))
    time.sleep(0.2)

    seconds = server.terminate(within=15)
    for each in idle:
        each.close()

    assert seconds < 3
    assert "Traceback" not in server.log()


def test_requests_that_take_too_long_are_told_so(start_server):
    server = start_server(SHORT_GRACE)
    answers: dict[str, object] = {}
    threads = [
        threading.Thread(target=lambda: answers.update(http=server.post(GREET, content(60)))),
        threading.Thread(
            target=lambda: answers.update(
                grpc=server.call("GreetTaskPredict", wire.greeting(sleep=60), timeout=50)
            )
        ),
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    seconds = server.terminate(within=15)
    for thread in threads:
        thread.join()

    status, body = answers["http"]
    assert seconds < 5
    assert status == 503
    assert json.loads(body)["code"] == 503
    assert answers["grpc"][0] in ("UNAVAILABLE", "CANCELLED")
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("in_subprocess", [False, True], ids=["thread", "subprocess"])
def test_a_training_does_not_hold_the_server(start_server, in_subprocess):
    trainer = {"default": {"config": {"use_subprocess": in_subprocess}}}
    server = start_server({**SHORT_GRACE, "model_management": {"trainers": trainer}})
    data = {"data_stream": {"data": [{"number": 1, "label": "a"}]}}
    request = {"model_name": "m", "parameters": {"training_data": data, "sleep": 20}}
    status, answer = server.post("/api/v1/GreetTaskGreeterTrain", request)
    time.sleep(0.3)

    seconds = server.terminate(within=40)

    assert status == 200, answer
    assert seconds < 8


def test_a_second_signal_ends_at_once(start_server):
    server = start_server()
    thread = threading.Thread(target=lambda: server.post(GREET, content(20)))
    thread.start()
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)

    seconds = server.terminate(within=10)
    thread.join()

    assert seconds < 3
