"""Spans of requests, as a collector gets them."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import grpc
import pytest
import requests
from aconfig import Config
from collectors import KINDS, GrpcCollector, HttpCollector, attributes

from caikit.runtime import trace
from caikit.runtime.client import RemoteModelFinder, RemoteModelInitializer
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
SERVICER = "caikit.runtime.servicers.global_predict_servicer.GlobalPredictServicer"
METHOD = "caikit.runtime.ObservedLib.ObservedLibService/SeeTaskPredict"


def settings(collector, **more):
    protocol = "grpc" if isinstance(collector, GrpcCollector) else "http"
    return {"enabled": True, "endpoint": collector.endpoint, "protocol": protocol, **more}


def post(server, text, **headers):
    return requests.post(
        f"http://127.0.0.1:{server.port}/api/v1/task/see",
        json={"model_id": "seer", "inputs": text},
        headers=headers,
        timeout=10,
    )


def test_an_inference_over_grpc(configure, calls):
    with GrpcCollector() as collector:
        configure(trace=settings(collector, service_name="my service"))
        with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
            assert calls.unary(channel, "a", traceparent=PARENT).code().name == "OK"
    received = collector.received
    assert received.services == {"my service"}
    request, work = received.one(METHOD), received.one("predict_model")
    assert work.name == f"{SERVICER}.predict_model"
    assert (KINDS[request.kind], KINDS[work.kind]) == ("SERVER", "INTERNAL")
    assert {span.trace_id.hex() for span in received.spans} == {TRACE_ID}
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert work.parent_span_id == request.span_id == received.one("decode").parent_span_id
    assert attributes(work) == {
        "calling": work.name,
        "model_id": "seer",
        "request_name": "SeeTaskRequest",
        "task": "SeeTask",
        "inference_func_name": "run",
    }
    found = attributes(request)
    assert found["status"] == "OK"
    assert found["model_id"] == "seer"
    assert found["request_id"] == TRACE_ID
    assert found["rpc.system"] == "grpc"
    assert found["seconds.work"] > 0


def test_an_inference_over_http(configure):
    with HttpCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeHTTPServer() as server:
            assert post(server, "a", traceparent=PARENT).status_code == 200
    received = collector.received
    assert collector.paths == ["/v1/traces"]
    assert received.services == {"caikit.runtime"}
    assert received.one("predict_model").trace_id.hex() == TRACE_ID
    found = attributes(received.one(METHOD))
    assert "rpc.system" not in found
    assert found["http.response.status_code"] == 200
    assert found["http.request.method"] == "POST"
    assert found["http.route"] == found["url.path"] == "/api/v1/task/see"
    assert found["server.address"] == "127.0.0.1"
    assert found["server.port"] == server.port
    assert found["user_agent.original"].startswith("python-requests")
    assert "rpc.grpc.status_code" not in found


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_lines_of_the_log_have_the_ids_of_their_trace(start_program, protocol):
    with GrpcCollector() as collector:
        program = start_program(
            "-m",
            f"caikit.runtime.{protocol}_server",
            log={"formatter": "json", "filters": "ACCESS:debug"},
            trace=settings(collector),
        )
        port = program.port(protocol)
        if protocol == "http":
            post(SimpleNamespace(port=port), "a", traceparent=PARENT)
        else:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                metadata = [("mm-model-id", "seer"), ("traceparent", PARENT)]
                channel.unary_unary(f"/{METHOD}")(b"\x0a\x01a", metadata=metadata, timeout=10)
        program.process.terminate()
        assert program.finish() == 0
    request = collector.received.one(METHOD)
    lines = [json.loads(line) for line in program.lines if line.startswith("{")]
    said = [line for line in lines if line["channel"] in ("OBSERVED", "ACCESS")]
    assert len(said) == 3
    for line in said:
        assert (line["trace_id"], line["span_id"]) == (TRACE_ID, request.span_id.hex())
        assert line["request_id"] == TRACE_ID
    assert not any("trace_id" in line for line in lines if line not in said)


@pytest.mark.parametrize("shown", ["{host}", "http://{host}", "http://{host}/"])
def test_http_endpoints_get_the_usual_path(configure, shown):
    with HttpCollector() as collector:
        host = re.sub("http://|/v1/traces", "", collector.endpoint)
        configure(trace={"enabled": True, "protocol": "http", "endpoint": shown.format(host=host)})
        with RuntimeHTTPServer() as server:
            post(server, "a")
    assert collector.paths == ["/v1/traces"]


def test_one_trace_begins_without_a_parent_and_bad_ones_are_ignored(configure):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeHTTPServer() as server:
            for parent in ("", "00-zz-11-01", "x" * 5000, f"ff{PARENT[2:]}", PARENT.replace("1", "\xe9")):
                assert post(server, "a", traceparent=parent.encode("latin-1")).status_code == 200
            untraced = PARENT.removesuffix("01") + "00"
            assert post(server, "a", traceparent=untraced).status_code == 200
    roots = [span for span in collector.received.spans if span.name == METHOD]
    assert len(roots) == 5
    assert {span.parent_span_id for span in roots} == {b""}
    assert len({span.trace_id for span in roots}) == 5


@pytest.mark.parametrize(
    ("text", "status", "fault", "events"),
    [
        ("fail", "INVALID_ARGUMENT", 0, ["exception"]),
        ("break", "INTERNAL", 2, ["exception"]),
        ("unspeakable", "INTERNAL", 2, []),
    ],
)
def test_failures(configure, calls, text, status, fault, events):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
            assert calls.unary(channel, text).code().name == status
    request, work = collector.received.one(METHOD), collector.received.one("predict_model")
    assert work.status.code == 2
    assert work.status.message.startswith(status)
    assert [event.name for event in work.events] == events
    # What the client did wrong is no error of the server.
    assert request.status.code == fault
    assert attributes(request)["status"] == status
    assert attributes(request).get("error.type") == ("INTERNAL" if fault else None)


@pytest.mark.parametrize("transport", ["standard", "native"])
@pytest.mark.parametrize("early", [False, True])
def test_spans_have_the_status_of_the_answer(configure, transport, early):
    given = []
    with GrpcCollector() as collector:
        configure(trace=settings(collector), transport=transport, http={"stream_error_status": early})
        with RuntimeHTTPServer() as server:
            for task, body in (
                ("see", {"model_id": "seer", "inputs": "a"}),
                ("see", {"model_id": "seer", "inputs": "fail"}),
                ("see", {"model_id": "seer", "inputs": "break"}),
                ("see", {"model_id": "none", "inputs": "a"}),
                ("see", {"model_id": "seer", "inputs": 5}),
                ("see", {"model_id": "seer", "wrong": 5}),
                ("see", []),
                ("server-streaming-see", {"model_id": "seer", "inputs": "a"}),
                ("server-streaming-see", {"model_id": "seer", "inputs": "early"}),
                ("server-streaming-see", {"model_id": "seer", "inputs": "late 1"}),
                ("server-streaming-see", {"model_id": "seer", "inputs": 5}),
                ("server-streaming-see", {"model_id": "none", "inputs": "a"}),
            ):
                url = f"http://127.0.0.1:{server.port}/api/v1/task/{task}"
                headers = {"x-request-id": f"number {len(given)}"}
                given.append(requests.post(url, json=body, headers=headers, timeout=10).status_code)
    found = [attributes(span) for span in collector.received.spans if "SeeTaskPredict" in span.name]
    codes = {each["request_id"]: each["http.response.status_code"] for each in found}
    assert [codes[f"number {number}"] for number in range(len(given))] == given
    assert set(given) >= {200, 400, 404, 422, 500}
    assert given[8:10] == ([400, 200] if early else [200, 200])
    faults = {
        span.status.code for span in collector.received.spans if attributes(span).get("status") == "INTERNAL"
    }
    assert faults == {2}


def test_a_request_that_cannot_be_read(configure):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeHTTPServer() as server:
            url = f"http://127.0.0.1:{server.port}/api/v1/task/see"
            headers = {"content-type": "application/json"}
            assert requests.post(url, data=b"{", headers=headers, timeout=5).status_code == 422
    request = collector.received.one(METHOD)
    assert attributes(request)["status"] == "INVALID_ARGUMENT"
    assert [event.name for event in request.events] == ["exception"]
    assert "predict_model" not in collector.received.names()


def test_the_span_of_a_stream_ends_with_it(configure, calls):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
            assert len(list(calls.stream(channel, "a", count=3, pause=0.05))) == 3
            assert len(calls.bidi(channel, "a", "b")) == 2
    received = collector.received
    request = received.one("/ServerStreamingSeeTaskPredict")
    assert (request.end_time_unix_nano - request.start_time_unix_nano) / 1e9 > 0.14
    assert attributes(request)["messages.sent"] == 3
    methods = [attributes(s).get("inference_func_name") for s in received.spans if "predict_model" in s.name]
    assert methods == ["run_stream", "run_bidi"]


def test_the_span_of_a_stream_ends_when_the_client_walks_away(configure, calls, wait_until):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
            stream = calls.stream(channel, "a", count=1000, pause=0.005)
            next(stream)
            stream.cancel()
            wait_until(lambda: server.thread_pool.running == 0)
            assert calls.unary(channel, "a").code().name == "OK"
    request = collector.received.one("/ServerStreamingSeeTaskPredict")
    # It depends on whether the model was making an item at that moment.
    assert attributes(request)["status"] in ("ABORTED", "CANCELLED")
    assert 0 < attributes(request)["messages.sent"] < 900
    # The next request in the same worker is not in the trace of the one before.
    assert collector.received.one(METHOD).parent_span_id == b""


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_what_modules_trace(configure, calls, protocol):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        if protocol == "grpc":
            with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
                assert calls.unary(channel, "spans").code().name == "OK"
        else:
            with RuntimeHTTPServer() as server:
                assert post(server, "spans").status_code == 200
    received = collector.received
    work, outer = received.one("predict_model"), received.one("outer")
    assert outer.parent_span_id == work.span_id
    assert attributes(outer) == {"answer": 42}
    assert received.one("inner").parent_span_id == outer.span_id
    assert received.one("elsewhere").parent_span_id == work.span_id
    assert received.scopes[received.one("elsewhere").span_id] == "my tracer"
    assert received.one("by the tracer").parent_span_id == work.span_id


def test_loading_a_model_has_a_span(configure, tmp_path, calls):
    with GrpcCollector() as collector:
        configure(
            trace=settings(collector),
            lazy_load_local_models=True,
            load_new_local_models=False,
            lazy_load_poll_period_seconds=0,
        )
        with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
            for _ in range(2):
                assert calls.unary(channel, "a").code().name == "OK"
    load = collector.received.one("load_model")
    assert (load.end_time_unix_nano - load.start_time_unix_nano) / 1e9 >= 0.01
    assert attributes(load) == {"model_id": "seer"}


def test_jobs_management_and_info_are_traced(configure):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        with RuntimeHTTPServer() as server:
            url = f"http://127.0.0.1:{server.port}"
            body = {"model_id": "seer", "inputs": "a"}
            job = requests.post(f"{url}/api/v1/task/see/job", json=body, timeout=5)
            assert job.status_code == 200, job.text
            assert requests.get(f"{url}/info/models", timeout=5).status_code == 200
            assert requests.get(f"{url}/health", timeout=5).status_code == 200
    names = collector.received.names()
    assert "run_prediction_job" in names
    assert "InfoService/GetModelsInfo" in names
    job = collector.received.one("run_prediction_job")
    assert {key: attributes(job)[key] for key in ("task", "model_id", "inference_func_name")} == {
        "task": "SeeTask",
        "model_id": "seer",
        "inference_func_name": "run",
    }


def test_servers_of_a_process_send_to_one_place_and_start_again(configure, calls):
    for _ in range(2):
        with GrpcCollector() as collector:
            configure(trace=settings(collector))
            with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
                calls.unary(channel, "a")
                post(two, "a")
        found = [attributes(span) for span in collector.received.spans if span.name == METHOD]
        assert {each.get("rpc.system", "http") for each in found} == {"grpc", "http"}


def test_a_program_may_trace_without_a_server(configure, temp_config):
    with GrpcCollector() as collector:
        temp_config({"runtime": {"trace": settings(collector)}})
        trace.configure()
        with trace.start_child_span(None, "alone"):
            assert trace.get_trace_context(None) is not None
        temp_config({"runtime": {"trace": {"enabled": False}}})
        trace.configure()
    assert collector.received.names() == ["alone"]
    assert trace.get_trace_context(None) is None


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_calls_of_remote_models_belong_to_the_trace(configure, protocol):
    with GrpcCollector() as collector:
        configure(trace=settings(collector))
        server_class = RuntimeGRPCServer if protocol == "grpc" else RuntimeHTTPServer
        with server_class() as server:
            connection = {"hostname": "127.0.0.1", "port": server.port, "timeout": 10}
            finder = RemoteModelFinder(Config({"connection": connection, "protocol": protocol}), "remote")
            model = RemoteModelInitializer(Config({}), "remote").init(finder.find_model("seer"))
            with trace.start_child_span(None, "caller"):
                assert model.run("a").text == "A"
    caller, request = collector.received.one("caller"), collector.received.one(METHOD)
    assert request.trace_id == caller.trace_id
    assert request.parent_span_id == caller.span_id


def test_nothing_happens_while_it_is_off():
    tracer = trace.get_tracer("x")
    with tracer.start_as_current_span("a") as span:
        span.set_attribute("a", 1)
        span.record_exception(ValueError())
        assert not span.is_recording()
    with tracer.start_span("a") as span:
        span.end()
    with trace.start_child_span(None, "a") as span:
        span.add_event("event")
    trace.set_tracer(object(), tracer)
    assert trace.get_trace_context(object()) is None
