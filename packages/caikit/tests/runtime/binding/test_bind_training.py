"""Trainings: start, state, cancellation, and what becomes of the model."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
import yaml

import caikit
from caikit.core.data_model import TrainingStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.interfaces.common.data_model.stream_sources import S3Path
from caikit.interfaces.runtime.data_model import ModelPointer
from caikit.runtime.engine.errors import RequestError, to_failure
from caikit.runtime.engine.status import Status

TRAIN = "BoundGreetTaskBoundGreeterTrain"


class Trainer:
    def __init__(self, service) -> None:
        self.service = service
        request = service.operations[TRAIN].request
        self.parameters = request.get_field_message_type("parameters")
        self.source = self.parameters.get_field_message_type("training_data")

    def data(self, *words: str):
        return self.source(data_stream=self.source.JsonData(data=list(words)))

    def start(self, *words: str, model_name: str | None = None, output_path=None, **parameters):
        values = self.parameters(training_data=self.data(*words), **parameters)
        return self.service.call(TRAIN, model_name=model_name, output_path=output_path, parameters=values)

    def status(self, training_id: str):
        return self.service.call("GetTrainingStatus", training_id=training_id)

    def finish(self, *words: str, **given):
        job = self.start(*words, **given)
        end = time.monotonic() + 10
        while not (status := self.status(job.training_id)).state.is_terminal:
            assert time.monotonic() < end
            time.sleep(0.005)
        return status


@pytest.fixture
def trainer(service):
    return Trainer(service)


@pytest.fixture
def output_dir(tmp_path) -> Path:
    return tmp_path / "training_output"


def test_a_training_is_started_and_saved(trainer, output_dir):
    job = trainer.start("a", "b", model_name="mine", greeting="Ho")
    assert job.model_name == "mine"
    assert str(uuid.UUID(job.training_id)) == job.training_id
    caikit.get_model_future(job.training_id).wait()
    model = caikit.load(str(output_dir / job.training_id / "mine"))
    assert model.greeting == "Ho a+b None"


def test_state_of_a_training(trainer):
    status = trainer.finish("a", model_name="mine")
    assert status.state is TrainingStatus.COMPLETED
    assert not status.reasons
    now = datetime.now(timezone.utc)
    for moment in (status.submission_timestamp, status.completion_timestamp):
        assert now - timedelta(minutes=1) < moment.astimezone(timezone.utc) <= now


def test_parameters_with_the_names_of_those_of_a_trainer(service, output_dir):
    rpc = "BoundOwnTaskBoundOwnNamesTrain"
    parameters = service.operations[rpc].request.get_field_message_type("parameters")(
        wait=1, trainer="t", save_path="s", model_name="m", module="x"
    )
    job = service.call(rpc, model_name="real", parameters=parameters)
    caikit.get_model_future(job.training_id).wait()
    assert service.call("GetTrainingStatus", training_id=job.training_id).state is TrainingStatus.COMPLETED
    model_path = output_dir / job.training_id / "real"
    assert yaml.safe_load((model_path / "config.yml").read_text())["text"] == "1 t s m x"


def test_without_a_model_name(trainer, output_dir):
    status = trainer.finish("a")
    assert (output_dir / status.training_id / "config.yml").exists()


def test_without_the_id_in_the_path(make_service, output_dir):
    trainer = Trainer(make_service(training={"output_dir": str(output_dir), "save_with_id": False}))
    trainer.finish("a", model_name="mine")
    assert (output_dir / "mine" / "config.yml").exists()


@pytest.mark.parametrize("model_name", ["../../x", "/abs/path", "a/b", "..", ".hidden", "a\\b", "a\0b"])
def test_model_names_are_names_and_never_paths(trainer, output_dir, tmp_path, model_name):
    before = {path for path in tmp_path.rglob("*") if output_dir not in path.parents}
    with pytest.raises(RequestError, match=r"^Invalid model_name") as caught:
        trainer.start("a", model_name=model_name)
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert {path for path in tmp_path.rglob("*") if output_dir not in path.parents} == before


def test_output_to_s3_is_refused(trainer):
    with pytest.raises(RequestError) as caught:
        trainer.start("a", output_path=S3Path(path="p"))
    assert caught.value.status is Status.INVALID_ARGUMENT
    assert caught.value.message == (
        "Exception raised during training. This may be a problem with your input: "
        "S3 output path not supported by this runtime"
    )


@pytest.mark.parametrize(("fail", "reason"), [("value", "bad data"), ("runtime", "bad luck")])
def test_a_training_that_fails(trainer, fail, reason):
    status = trainer.finish("a", fail=fail)
    assert (status.state, status.reasons) == (TrainingStatus.ERRORED, [reason])
    assert status.completion_timestamp is not None


def test_missing_parameters_are_the_jobs_error(service):
    job = service.call(TRAIN, model_name="m")
    caikit.get_model_future(job.training_id).wait()
    status = service.call("GetTrainingStatus", training_id=job.training_id)
    assert status.state is TrainingStatus.ERRORED
    assert "missing 1 required positional argument: 'training_data'" in status.reasons[0]


def test_lists_that_were_not_sent_keep_the_default(trainer):
    status = trainer.finish("a", model_name="m", extras=["x"])
    future = caikit.get_model_future(status.training_id)
    assert future.load().greeting == "Trained a ['x']"


def test_another_model_as_parameter(trainer):
    status = trainer.finish("a", model_name="m", base=ModelPointer("greeter"))
    assert caikit.get_model_future(status.training_id).load().greeting == "Trained a from Hello None"
    assert trainer.service.store.models["greeter"].users == 0


def test_an_unknown_model_as_parameter(trainer):
    with pytest.raises(RequestError, match=r"^Model 'nope' not loaded$") as caught:
        trainer.start("a", base=ModelPointer("nope"))
    assert caught.value.status is Status.NOT_FOUND


def test_cancel(trainer):
    job = trainer.start("a", sleep=30.0)
    answer = trainer.service.call("CancelTraining", training_id=job.training_id)
    assert (answer.training_id, answer.state) == (job.training_id, TrainingStatus.CANCELED)
    assert (answer.submission_timestamp, answer.completion_timestamp) == (None, None)
    status = trainer.status(job.training_id)
    assert status.state is TrainingStatus.CANCELED
    assert status.completion_timestamp is not None


def test_cancel_after_the_end(trainer):
    training_id = trainer.finish("a").training_id
    assert trainer.service.call("CancelTraining", training_id=training_id).state is TrainingStatus.COMPLETED


@pytest.mark.parametrize("rpc", ["GetTrainingStatus", "CancelTraining"])
@pytest.mark.parametrize("training_id", ["nope", "", "who:knows", "a:b:c"])
def test_unknown_training(service, rpc, training_id):
    with pytest.raises((RequestError, CaikitCoreException)) as caught:
        service.call(rpc, training_id=training_id)
    failure = to_failure(caught.value)
    assert (failure.status, failure.message) == (Status.NOT_FOUND, f"Unknown training_id: {training_id}")


class _Future:
    """A job of an engine that has trouble."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.id = str(uuid.uuid4())

    def get_info(self):
        raise self.error

    def cancel(self):
        raise self.error


@pytest.fixture
def troubled(service, temp_config):
    """Trainings that a trainer of another kind runs."""
    from caikit.core.model_management import ModelTrainerBase, model_trainer_factory

    instance = f"troubled{uuid.uuid4().hex}"

    class TroubledTrainer(ModelTrainerBase):
        name = f"TROUBLED-{uuid.uuid4().hex}"
        error: Exception = RuntimeError("boom")

        def __init__(self, config, instance_name):
            super().__init__(config, instance_name)

        def train(self, module_class, *args, **kwargs):
            raise NotImplementedError

        def get_model_future(self, training_id):
            if self.get_trainer_name(training_id) != instance:
                raise CaikitCoreException(
                    CaikitCoreStatusCode.NOT_FOUND, f"Unknown training_id: {training_id}"
                )
            return _Future(self.error)

    model_trainer_factory.register(TroubledTrainer)
    temp_config({"model_management": {"trainers": {instance: {"type": TroubledTrainer.name}}}})
    from caikit.core.toolkit.reversible_hasher import ReversibleHasher

    def call(rpc: str, error: Exception):
        TroubledTrainer.error = error
        training_id = f"{ReversibleHasher.hash(instance)}:1"
        return training_id, partial(service.call, rpc, training_id=training_id)

    return call


def test_trouble_with_the_engine(troubled):
    trouble = CaikitCoreException(CaikitCoreStatusCode.CONNECTION_ERROR, "no route")
    for rpc, error, text in [
        ("GetTrainingStatus", trouble, "Failed to get status for training id {}"),
        ("CancelTraining", trouble, "Failed to cancel training id {}"),
        (
            "GetTrainingStatus",
            OSError(),
            "Unexpected error with training id {}. Could not perform get_status",
        ),
        ("CancelTraining", OSError(), "Unexpected error with training id {}. Could not perform cancel"),
    ]:
        training_id, call = troubled(rpc, error)
        with pytest.raises(RequestError) as caught:
            call()
        assert (caught.value.status, caught.value.message) == (Status.INTERNAL, text.format(training_id))


def test_a_job_that_its_engine_forgot_counts_as_cancelled(troubled):
    gone = CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, "gone")
    training_id, call = troubled("CancelTraining", gone)
    answer = call()
    assert (answer.training_id, answer.state) == (training_id, TrainingStatus.CANCELED)


def test_a_trained_model_is_served_on_its_first_use(make_service, tmp_path):
    models = tmp_path / "models"
    service = make_service(
        lazy_load_local_models=True,
        lazy_load_poll_period_seconds=0,
        training={"output_dir": str(models), "save_with_id": False},
    )
    Trainer(service).finish("a", model_name="trained")
    from bound_lib import BoundPerson

    assert (
        service.call("BoundGreetTaskPredict", "trained", person=BoundPerson("Ann")).text
        == "Trained a None Ann"
    )


def test_a_trained_model_shows_up_by_itself(make_service, tmp_path):
    models = tmp_path / "models"
    service = make_service(
        lazy_load_local_models=True,
        lazy_load_poll_period_seconds=0.02,
        training={"output_dir": str(models), "save_with_id": False},
    )
    Trainer(service).start("a", model_name="trained", sleep=0.05)
    end = time.monotonic() + 5
    while "trained" not in [info.name for info in service.call("GetModelsInfo").models]:
        assert time.monotonic() < end
        time.sleep(0.005)
    with service.store.use("trained") as model:
        assert model.greeting == "Trained a None"
