"""Inference calls: which method answers, what reaches it, which models it may use."""

from __future__ import annotations

import gc
import threading
from functools import partial

import pytest
from bound_lib import BoundBackend, BoundPerson, BoundReply

from caikit.core import MODEL_MANAGER
from caikit.interfaces.common.data_model.primitive_sequences import IntSequence, StrSequence
from caikit.runtime.engine.context import RequestContext
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.engine.status import Status

ANN = BoundPerson("Ann")
GREET = "BoundGreetTaskPredict"
OUT = "ServerStreamingBoundGreetTaskPredict"
IN = "ClientStreamingBoundGreetTaskPredict"
BIDI = "BidiStreamingBoundGreetTaskPredict"
ZIP = "BidiStreamingBoundZipTaskPredict"


def fails(call, status: Status, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        call()
    assert (caught.value.status, caught.value.message) == (status, text)


def test_operations(service):
    operation = service.operations[GREET]
    assert (operation.shape, operation.kind, operation.acknowledge) == (Shape.UNARY, Kind.INFERENCE, False)
    assert operation.http.path == "/api/v1/task/bound-greet"
    assert operation.response is BoundReply
    assert service.operations[BIDI].acknowledge
    assert service.operations[BIDI].http.path == "/api/v1/task/bidi-streaming-bound-greet"


def test_call(service):
    reply = service.call(GREET, "greeter", person=ANN, times=2)
    assert reply.text == "Hello Ann Hello Ann"


def test_each_model_gets_its_own_method_and_parameters(service):
    assert service.call(GREET, "polite", person=ANN, honorific="Sir").text == "Sir Ann"
    assert service.call(GREET, "polite", person=ANN, times=2, fail="not mine").text == "Dr. Ann"
    assert service.call("BoundEchoTaskPredict", "polite", text="x").text == "x None None"


def test_the_models_own_default_counts(service):
    assert service.call(GREET, "greeter", person=ANN, times=0).text == ""
    assert service.call("BoundEchoTaskPredict", "polite", text="").text == " None None"


@pytest.mark.parametrize("rpc", [GREET, "BoundGreetTaskStartPredictionJob"])
def test_a_module_that_contradicts_the_messages_of_an_rpc(service, rpc):
    fails(
        partial(service.call, rpc, "contrary", person=ANN, times=1),
        Status.INVALID_ARGUMENT,
        f"Model 'contrary' is not served by {rpc}: "
        "the types of BoundContrary contradict the messages of this RPC",
    )


def test_missing_argument(service):
    with pytest.raises(RequestError, match=r"^Missing required input: 'person'$") as caught:
        service.call(GREET, "greeter")
    assert caught.value.status is Status.INVALID_ARGUMENT


@pytest.mark.parametrize("names", [["a", "b"], [1], []])
def test_lists_of_a_union(service, names):
    assert service.call(GREET, "greeter", person=ANN, names=names).text == f"Hello Ann {names}"


def test_sequence_objects_arrive_as_lists(service):
    work = service.operations[GREET].work
    for sequence, shown in [(StrSequence(["a"]), "['a']"), (IntSequence([]), "[]")]:
        given = {"person": ANN, "names": sequence}
        assert work(service.context("greeter"), given).text == f"Hello Ann {shown}"


def test_a_required_list_may_be_empty(service):
    call = partial(service.call, "BoundListTaskPredict", "lists")
    assert call(left="a", rights=[]).text == "a [] None"
    assert call(left="a", rights=["b"], more=["c"]).text == "a ['b'] ['c']"


def test_a_list_that_could_have_been_sent_empty_is_missing(service):
    context = RequestContext(headers={}, model_id="lists")
    with pytest.raises(RequestError, match="Missing required input: 'rights'"):
        service.operations["BoundListTaskPredict"].work(context, {"left": "a"})


def test_context_argument(service):
    work = service.operations[GREET].work
    assert (
        work(service.context("greeter", native="the context"), {"person": ANN}).text
        == "Hello Ann the context"
    )


def test_unknown_and_missing_models(service):
    fails(partial(service.call, GREET, "nope"), Status.NOT_FOUND, "Model 'nope' not loaded")
    fails(partial(service.call, GREET, ""), Status.INVALID_ARGUMENT, "Missing required model ID")
    fails(partial(service.call, GREET, None), Status.INVALID_ARGUMENT, "Missing required model ID")


def test_a_model_of_another_task_is_refused(service):
    fails(
        partial(service.call, "BoundEchoTaskPredict", "greeter", text="x"),
        Status.INVALID_ARGUMENT,
        "Model 'greeter' does not support BoundEchoTaskPredict: "
        "expected a model for BoundEchoTask, found one for BoundGreetTask",
    )


def test_a_model_without_the_flavour_is_refused(service):
    fails(
        partial(service.call, OUT, "polite", person=ANN),
        Status.INVALID_ARGUMENT,
        "Model class <class 'bound_lib.BoundPolite'> does not support ServerStreamingBoundGreetTaskPredict",
    )


def test_a_model_without_a_served_task_is_refused(service):
    fails(
        partial(service.call, GREET, "notask", person=ANN),
        Status.INVALID_ARGUMENT,
        "Inference for model class <class 'bound_lib.BoundNoTask'> not supported by this runtime",
    )


def test_excluded_tasks_are_not_served(make_service):
    service = make_service(service_generation={"task_types": {"excluded": ["BoundGreetTask"]}})
    assert GREET not in service.operations
    with pytest.raises(RequestError, match="not supported by this runtime"):
        service.call("BoundEchoTaskPredict", "greeter", text="x")


def test_a_failed_call_gives_the_model_back(service):
    with pytest.raises(ValueError, match=r"^no$"):
        service.call(GREET, "greeter", person=ANN, fail="no")
    assert service.store.models["greeter"].users == 0


def test_stream_of_answers_holds_the_model(service):
    replies = service.call(OUT, "greeter", person=ANN)
    assert service.store.models["greeter"].users == 1
    assert [reply.text for reply in replies] == ["Ann 0", "Ann 1", "Ann 2"]
    assert service.store.models["greeter"].users == 0


def test_stream_without_answers(service):
    assert list(service.call(OUT, "greeter", person=ANN, count=0)) == []


@pytest.mark.parametrize("fail", ["early", "late"])
def test_a_failed_stream_gives_the_model_back(service, fail):
    with pytest.raises(ValueError, match=fail):
        list(service.call(OUT, "greeter", person=ANN, fail=fail))
    assert service.store.models["greeter"].users == 0


def test_a_closed_stream_gives_the_model_back(service):
    replies = service.call(OUT, "greeter", person=ANN)
    next(replies)
    replies.close()
    assert service.store.models["greeter"].users == 0
    with pytest.raises(StopIteration):
        next(replies)


def test_a_stream_that_was_never_read_gives_the_model_back(service):
    replies = service.call(OUT, "greeter", person=ANN)
    del replies
    gc.collect()
    assert service.store.models["greeter"].users == 0


def test_an_unloaded_model_finishes_its_stream(service):
    replies = service.call(OUT, "greeter", person=ANN)
    service.store.unload("greeter")
    assert len(list(replies)) == 3
    fails(partial(service.call, GREET, "greeter", person=ANN), Status.NOT_FOUND, "Model 'greeter' not loaded")


def test_client_stream(service):
    messages = [{"people": ANN, "greeting": "Yo"}, {"people": BoundPerson("Bob"), "greeting": "ignored"}]
    assert service.stream(IN, "greeter", messages).text == "Yo Ann, Bob"
    assert (
        service.stream(IN, "greeter", [{"people": ANN}, {"people": ANN, "greeting": "late"}]).text
        == "Hi Ann, Ann"
    )


@pytest.mark.parametrize("name", [IN, BIDI])
def test_empty_request_stream(service, name):
    fails(
        partial(service.stream, name, "greeter", []),
        Status.INVALID_ARGUMENT,
        "The request stream is empty: expected at least one message",
    )
    assert service.store.models["greeter"].users == 0


def test_the_model_is_looked_up_before_the_first_message(service):
    def messages():
        raise AssertionError("nobody may read this")
        yield

    fails(partial(service.stream, BIDI, "nope", messages()), Status.NOT_FOUND, "Model 'nope' not loaded")


def test_a_message_without_its_element(service):
    fails(
        partial(service.stream, IN, "greeter", [{"people": ANN}, {"greeting": "x"}]),
        Status.INVALID_ARGUMENT,
        "Message 2 of the request stream has no 'people'",
    )


def test_answers_interleave_with_requests(service):
    asked: list[str] = []

    def messages():
        for name in ["Ann", "Bob", "Cyd"]:
            asked.append(name)
            yield {"people": BoundPerson(name)}

    replies = service.stream(BIDI, "greeter", messages())
    assert next(replies).text == "Hi Ann"
    assert asked == ["Ann"]
    assert next(replies).text == "Hi Bob"
    assert asked == ["Ann", "Bob"]
    replies.close()
    assert service.store.models["greeter"].users == 0


def test_several_streamed_parameters(service):
    messages = [{"xs": 1.5, "names": "a"}, {"xs": 2.5, "names": "b"}, {}]
    assert [reply.text for reply in service.stream(ZIP, "zipper", messages)] == ["a=1.5", "b=2.5", "=0.0"]


def test_streamed_parameters_one_after_the_other(service):
    messages = [{"xs": float(i), "names": str(i), "mode": "one after the other"} for i in range(3)]
    assert [reply.text for reply in service.stream(ZIP, "zipper", messages)] == ["3.0 ['0', '1', '2']"]


def test_streamed_parameters_may_not_drift_apart_for_ever(service):
    operation = service.operations[ZIP]
    given = service.given(ZIP, xs=1.0, names="n", mode="one after the other")
    endless = iter(lambda: given, None)
    replies = operation.work(service.context("zipper"), endless)
    with pytest.raises(RequestError, match=r"^More than 10000 elements of 'names' wait") as caught:
        list(replies)
    assert caught.value.status is Status.RESOURCE_EXHAUSTED


def test_a_request_stream_can_be_read_once(service):
    with pytest.raises(RuntimeError, match="read before"):
        list(service.stream(ZIP, "zipper", [{"xs": 1.0, "names": "a", "mode": "twice"}]))


def test_an_error_in_the_request_stream_reaches_the_caller(service):
    def messages():
        yield service.given(BIDI, people=ANN)
        raise ValueError("malformed")

    replies = service.operations[BIDI].work(service.context("greeter"), messages())
    assert next(replies).text == "Hi Ann"
    with pytest.raises(ValueError, match="malformed"):
        next(replies)


@pytest.fixture
def forgotten_components():
    """What the test configures is not kept for other tests."""
    yield
    MODEL_MANAGER.reset_components()


@pytest.mark.usefixtures("forgotten_components")
def test_backends_see_each_request_before_the_model_is_looked_up(make_service, temp_config):
    from caikit.core.module_backends import backend_types

    backend_types.register_backend_type(BoundBackend)
    temp_config(
        {
            "model_management": {
                "initializers": {
                    "bound": {
                        "type": "LOCAL",
                        "config": {"backend_priority": [{"type": BoundBackend.backend_type}]},
                    }
                }
            }
        }
    )
    service = make_service()
    BoundBackend.seen.clear()
    with pytest.raises(RequestError):
        service.operations[GREET].work(service.context("nope", native="context"), {})
    assert BoundBackend.seen == [("nope", "context")]
    assert MODEL_MANAGER.get_module_backends()


def test_calls_run_in_parallel(service):
    replies = []
    threads = [
        threading.Thread(target=lambda: replies.append(service.call(GREET, "greeter", person=ANN)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.text for reply in replies] == ["Hello Ann"] * 8
    assert service.store.models["greeter"].users == 0
