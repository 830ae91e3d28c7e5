"""Modules whose work can be stopped at every stage, used by the tests and by the processes that they start."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import aconfig

from caikit.core import (
    DataObjectBase,
    ModuleBase,
    ModuleConfig,
    ModuleLoader,
    ModuleSaver,
    dataobject,
    module,
)
from caikit.core.model_management import report_progress
from caikit.core.model_management.local_job_predictor import LocalJobPredictor
from caikit.core.model_management.local_model_trainer import LocalModelTrainer

LONG = 30


@dataobject("tests.core.durable_jobs")
class DurableText(DataObjectBase):
    text: str


def wait_for(*paths: Any) -> None:
    end = time.monotonic() + LONG
    for path in paths:
        while not Path(path).exists():
            assert time.monotonic() < end, f"{path} did not appear"
            time.sleep(0.005)


def pass_by(folder: str, stage: str, stop_at: str) -> None:
    """Tell that a stage is reached, and wait there if told so."""
    if folder:
        Path(folder, f"{stage}.tmp").write_text(str(os.getpid()))
        Path(folder, f"{stage}.tmp").rename(Path(folder, stage))
        if stage == stop_at:
            wait_for(Path(folder, "go"))


@module("d0a1f3f2-55f4-4b52-8a3e-0c1d6e3f7a01", "Durable", "0.0.1")
class Durable(ModuleBase):
    def __init__(self, number: int = 0, folder: str = "", stop_at: str = "") -> None:
        super().__init__()
        self.number, self.folder, self.stop_at = number, folder, stop_at

    @classmethod
    def train(
        cls,
        number: int = 0,
        folder: str = "",
        stop_at: str = "",
        fail: str | None = None,
        exit_code: int | None = None,
        progress: float | None = None,
        say: str = "",
    ) -> Durable:
        if progress is not None:
            report_progress(progress, "on the way", loss=1 - progress)
        if say:
            import logging

            print(f"printed {say}")
            logging.getLogger("durable").warning("logged %s", say)
        pass_by(folder, "training", stop_at)
        if exit_code is not None:
            os._exit(exit_code)
        if fail is not None:
            raise ValueError(fail)
        return cls(number, folder, stop_at)

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.update_config({"number": self.number})
            pass_by(self.folder, "saving", self.stop_at)
        pass_by(self.folder, "saved", self.stop_at)

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> Durable:
        return cls(ModuleLoader(model_path).config.number)

    def run(self, text: str, folder: str = "", stop_at: str = "", fail: str | None = None) -> DurableText:
        pass_by(folder, "predicting", stop_at)
        if fail is not None:
            raise KeyError(fail)
        return DurableText(text)


def config(work_dir: Any, **entries: Any) -> aconfig.Config:
    return aconfig.Config({"work_dir": str(work_dir), **entries}, override_env_vars=False)


def make_trainer(work_dir: Any, **entries: Any) -> LocalModelTrainer:
    return LocalModelTrainer(config(work_dir, **entries), "default")


def make_predictor(work_dir: Any, **entries: Any) -> LocalJobPredictor:
    return LocalJobPredictor(config(work_dir, **entries), "default")
