"""Prediction jobs."""

from __future__ import annotations

import time

import pytest
from bound_lib import BoundPerson, BoundReply

import caikit
from caikit.core.data_model import JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.runtime.engine.errors import RequestError, to_failure
from caikit.runtime.engine.operation import Kind
from caikit.runtime.engine.status import Status

START = "BoundGreetTaskStartPredictionJob"
STATUS = "BoundGreetTaskGetPredictionJobStatus"
RESULT = "BoundGreetTaskGetPredictionJobResult"
CANCEL = "BoundGreetTaskCancelPredictionJob"
ANN = BoundPerson("Ann")


def start(service, model_id="greeter", **given) -> str:
    return service.call(START, model_id, **given).prediction_id


def finished(service, **given) -> str:
    job_id = start(service, **given)
    caikit.get_prediction_future(job_id).wait()
    return job_id


def refusal(service, rpc: str, job_id: str) -> tuple[Status, str]:
    with pytest.raises((RequestError, CaikitCoreException)) as caught:
        service.call(rpc, prediction_id=job_id)
    failure = to_failure(caught.value)
    return failure.status, failure.message


def test_a_job_from_start_to_result(service):
    job_id = finished(service, person=ANN, times=2)
    assert job_id.startswith("wTHxlsu:")
    status = service.call(STATUS, prediction_id=job_id)
    assert (status.prediction_id, status.state) == (job_id, JobStatus.COMPLETED)
    assert status.submission_timestamp is not None
    assert status.completion_timestamp is not None
    result = service.call(RESULT, prediction_id=job_id)
    assert isinstance(result, BoundReply)
    assert result.text == "Hello Ann Hello Ann"
    assert service.operations[START].kind is Kind.JOB
    assert service.store.models["greeter"].users == 0


def test_a_job_that_still_runs(service):
    job_id = start(service, person=ANN, sleep=30.0)
    end = time.monotonic() + 5
    while service.call(STATUS, prediction_id=job_id).state is not JobStatus.RUNNING:
        assert time.monotonic() < end
    assert refusal(service, RESULT, job_id) == (Status.NOT_FOUND, f"Prediction {job_id} is still in progress")
    answer = service.call(CANCEL, prediction_id=job_id)
    assert (answer.prediction_id, answer.state, answer.submission_timestamp) == (
        job_id,
        JobStatus.CANCELED,
        None,
    )
    assert service.call(STATUS, prediction_id=job_id).state is JobStatus.CANCELED
    assert refusal(service, RESULT, job_id) == (Status.NOT_FOUND, f"Prediction {job_id} was cancelled")


def test_a_job_that_fails(service):
    job_id = finished(service, person=ANN, fail="bad value")
    status = service.call(STATUS, prediction_id=job_id)
    assert (status.state, status.reasons) == (JobStatus.ERRORED, ["bad value"])
    assert status.completion_timestamp is not None
    assert refusal(service, RESULT, job_id) == (Status.NOT_FOUND, f"Prediction {job_id} encountered an error")


def test_bad_arguments_are_the_jobs_error(service):
    job_id = finished(service)
    assert (
        "missing 1 required positional argument: 'person'"
        in service.call(STATUS, prediction_id=job_id).reasons[0]
    )


def test_cancel_after_the_end(service):
    job_id = finished(service, person=ANN)
    assert service.call(CANCEL, prediction_id=job_id).state is JobStatus.COMPLETED


@pytest.mark.parametrize("rpc", [STATUS, RESULT, CANCEL])
@pytest.mark.parametrize("job_id", ["nope", "", "who:knows"])
def test_unknown_job(service, rpc, job_id):
    assert refusal(service, rpc, job_id) == (Status.NOT_FOUND, f"Unknown background_id: {job_id}")


@pytest.mark.parametrize("rpc", [STATUS, RESULT, CANCEL])
def test_jobs_belong_to_their_task(service, rpc):
    job_id = finished(service, person=ANN)
    other = rpc.replace("BoundGreetTask", "BoundEchoTask")
    assert refusal(service, other, job_id) == (Status.NOT_FOUND, f"Unknown background_id: {job_id}")


def test_errors_at_the_start_are_those_of_inference(service):
    for model_id, status, text in [
        ("nope", Status.NOT_FOUND, "Model 'nope' not loaded"),
        (None, Status.INVALID_ARGUMENT, "Missing required model ID"),
        (
            "lists",
            Status.INVALID_ARGUMENT,
            f"Model 'lists' does not support {START}: expected a model for BoundGreetTask, found one for BoundListTask",
        ),
    ]:
        with pytest.raises(RequestError) as caught:
            start(service, model_id, person=ANN)
        assert (caught.value.status, caught.value.message) == (status, text)


def test_a_required_context_is_none_in_a_job(service):
    job_id = service.call("BoundEchoTaskStartPredictionJob", "polite", text="x").prediction_id
    caikit.get_prediction_future(job_id).wait()
    assert service.call("BoundEchoTaskGetPredictionJobResult", prediction_id=job_id).text == "x None None"


def test_arguments_with_the_names_of_those_of_a_predictor(service):
    given = {"text": "a", "wait": "b", "predictor": "c", "save_with_id": "d"}
    job_id = service.call("BoundOwnTaskStartPredictionJob", "own", **given).prediction_id
    caikit.core.MODEL_MANAGER.get_prediction_future(job_id).wait()
    assert service.call("BoundOwnTaskGetPredictionJobResult", prediction_id=job_id).text == "a b c d"
