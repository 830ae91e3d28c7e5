"""Predictions as jobs."""

from __future__ import annotations

import gc
import threading
import uuid
from pathlib import Path
from typing import Any

import aconfig
import pytest

from caikit.core import DataObjectBase, ModelManager, ModuleBase, dataobject, module
from caikit.core.data_model import JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.core.model_management import JobPredictorBase
from caikit.core.model_management.local_job_predictor import RESULT_FILE_NAME, LocalJobPredictor
from caikit.core.toolkit.reversible_hasher import ReversibleHasher


@dataobject("tests.core.prediction_jobs")
class JobOutput(DataObjectBase):
    text: str


@module(str(uuid.uuid4()), "Predicting", "0.0.1")
class PredictingModule(ModuleBase):
    def run(self, text: str, gate: threading.Event | None = None, fail: bool = False) -> JobOutput:
        if gate is not None:
            gate.wait(20)
        if fail:
            raise RuntimeError("no prediction")
        return JobOutput(text)

    def bare(self) -> str:
        return "text"


def make_predictor(**entries: Any) -> LocalJobPredictor:
    return LocalJobPredictor(aconfig.Config(entries, override_env_vars=False), "test")


def test_a_prediction_from_start_to_end(tmp_path: Path) -> None:
    predictor = make_predictor(result_dir=str(tmp_path))
    gate = threading.Event()
    future = predictor.predict(PredictingModule(), "run", "a", gate=gate)
    assert future.get_info().status in (JobStatus.QUEUED, JobStatus.RUNNING)
    assert predictor.get_prediction_future(future.id) is future
    assert predictor.get_future(future.id) is future
    gate.set()
    assert future.result() == JobOutput("a")
    assert future.get_info().status is JobStatus.COMPLETED
    assert JobPredictorBase.get_predictor_name(future.id) == "test"
    assert future.save_path == str(tmp_path / future.id / RESULT_FILE_NAME)
    assert Path(future.save_path).read_bytes() == JobOutput("a").to_binary_buffer()


def test_failed_predictions_have_no_result() -> None:
    predictor = make_predictor()
    failed = predictor.predict(PredictingModule(), "run", "a", fail=True)
    bare = predictor.predict(PredictingModule(), "bare")
    for future, text in (
        (failed, "no prediction"),
        (bare, "'str' object has no attribute 'to_binary_buffer'"),
    ):
        with pytest.raises(
            CaikitCoreException, match=f"Prediction result for {future.id} is not found"
        ) as raised:
            future.result()
        assert raised.value.status_code is CaikitCoreStatusCode.NOT_FOUND
        assert [str(each) for each in future.get_info().errors or []] == [text]


def test_any_object_can_predict() -> None:
    class Plain:
        def work(self) -> JobOutput:
            return JobOutput("plain")

    assert make_predictor().predict(Plain(), "work").result() == JobOutput("plain")


def test_external_ids() -> None:
    predictor = make_predictor()
    gate = threading.Event()
    future = predictor.predict(PredictingModule(), "run", "a", gate=gate, external_prediction_id="mine")
    assert future.id == "mine"
    with pytest.raises(ValueError, match="Cannot restart prediction mine that is currently running"):
        predictor.predict(PredictingModule(), "run", "b", external_inference_id="mine")
    gate.set()
    future.wait()
    again = predictor.predict(PredictingModule(), "run", "b", external_inference_id="mine")
    assert predictor.get_prediction_future("mine") is again
    assert again.result() == JobOutput("b")
    with pytest.raises(ValueError, match="Invalid id"):
        predictor.predict(PredictingModule(), "run", "b", external_prediction_id="../x")


def test_expired_predictions_are_removed(tmp_path: Path) -> None:
    predictor = make_predictor(result_dir=str(tmp_path), retention_duration="0s")
    future = predictor.predict(PredictingModule(), "run", "a")
    future.wait()
    with pytest.raises(CaikitCoreException, match=f"Unknown background_id: {future.id}"):
        predictor.get_prediction_future(future.id)
    assert list(tmp_path.iterdir()) == []


def test_temporary_results_go_with_the_predictor() -> None:
    predictor = make_predictor()
    future = predictor.predict(PredictingModule(), "run", "a")
    future.wait()
    path = Path(future.save_path)
    assert path.exists()
    del predictor, future
    gc.collect()
    assert not path.parent.parent.exists()


def test_jobs_through_the_manager(temp_config: Any, tmp_path: Path) -> None:
    name = f"p{uuid.uuid4().hex}"
    place = {"config": {"result_dir": str(tmp_path)}}
    temp_config(
        {"model_management": {"job_predictors": {name: {"type": "LOCAL", **place}, "default": place}}}
    )
    manager = ModelManager()
    future = manager.start_prediction_job(PredictingModule(), "run", "a", wait=True)
    assert future.id.startswith(f"{ReversibleHasher.hash('default')}:")
    assert manager.get_prediction_future(future.id) is future
    other = manager.start_prediction_job(
        PredictingModule(), "run", "b", predictor=name, external_prediction_id="x"
    )
    assert manager.get_prediction_future("x") is other
    assert other.result() == JobOutput("b")
    with pytest.raises(CaikitCoreException, match="Unknown background_id: nope"):
        manager.get_prediction_future("nope")
    with pytest.raises(TypeError):
        manager.start_prediction_job("model", "run")  # type: ignore[arg-type] # the mistake
