"""A small library to serve."""

from __future__ import annotations

from typing import Any

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.interfaces.ts.data_model import TimeSeries
from caikit.interfaces.ts.tasks import ForecastingTask
from caikit.interfaces.vision.data_model import Image


class Loadable(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Loadable:
        return cls()


@module("3c1d5b8e-0000-4000-8000-0000000000f1", "Forecast", "1.0.0", task=ForecastingTask)
class ForecastModule(Loadable):
    def run(self, X: TimeSeries) -> TimeSeries:  # noqa: N803 - the name is the task's
        """The series once more, with every value doubled."""
        frame = X.as_pandas()
        return TimeSeries(
            frame.assign(v=frame.v * 2), timestamp_column="t", producer_id=("forecast", "1.0.0")
        )


@task(unary_parameters={"image": Image}, unary_output_type=Image)
class FlipTask(TaskBase):
    """Turns an image upside down."""


@module("3c1d5b8e-0000-4000-8000-0000000000f2", "Flip", "1.0.0", task=FlipTask)
class FlipModule(Loadable):
    def run(self, image: Image) -> Image:
        return Image(image.as_numpy()[::-1])
