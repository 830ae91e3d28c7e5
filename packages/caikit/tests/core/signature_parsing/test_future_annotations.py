"""Modules in files whose annotations are all text."""

# ruff: noqa: F821, UP007, UP045 - annotations are spelled in every way that users spell them

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Optional, Union

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream

if TYPE_CHECKING:
    from nowhere import Context  # type: ignore[import-not-found] # it does not exist at run time either


@dataobject("tests.core.future_annotations")
class FutureIn(DataObjectBase):
    text: str


@dataobject("tests.core.future_annotations")
class FutureOut(DataObjectBase):
    text: str


@task(unary_parameters={"sample": FutureIn}, unary_output_type=FutureOut)
class FutureTask(TaskBase):
    pass


@module(str(uuid.uuid4()), "Future", "0.0.1", FutureTask)
class FutureModule(ModuleBase):
    @FutureTask.taskmethod(context_arg="context")
    def run(
        self,
        sample: FutureIn,
        style: Optional[Union[int, str]] = None,
        later: Iterable[DefinedLater] | None = None,
        context: Context | None = None,
    ) -> FutureOut: ...

    @classmethod
    def train(cls, data: DataStream[FutureIn], base: FutureModule | None = None) -> FutureModule: ...


def test_text_becomes_types() -> None:
    signature = FutureModule.RUN_SIGNATURE
    parameters = signature.parameters or {}
    assert parameters["sample"] is FutureIn
    assert parameters["style"].__args__ == (int, str, type(None))
    assert signature.return_type is FutureOut
    assert FutureModule.TRAIN_SIGNATURE.parameters == {
        "data": DataStream[FutureIn],
        "base": Optional[FutureModule],
    }
    assert FutureModule.TRAIN_SIGNATURE.return_type is FutureModule


def test_names_that_exist_later_are_resolved_later() -> None:
    signature = FutureModule.get_inference_signature(False, False)
    assert signature is not None
    before = signature.parameters or {}
    assert before["later"] == "Iterable[DefinedLater] | None"
    assert signature.unresolved == {"later", "context"}

    globals()["DefinedLater"] = FutureOut
    try:
        after = signature.parameters or {}
        assert after["later"] == Optional[Iterable[FutureOut]]
        assert signature.unresolved == {"context"}
        assert after["context"] == "Context | None"
    finally:
        del globals()["DefinedLater"]


def test_types_of_the_enclosing_function_are_seen() -> None:
    class Plain:
        pass

    @dataobject("tests.core.future_annotations.local")
    class LocalIn(DataObjectBase):
        text: str

    @task(unary_parameters={"sample": LocalIn}, unary_output_type=FutureOut)
    class LocalTask(TaskBase):
        pass

    @module(str(uuid.uuid4()), "Local", "0.0.1", LocalTask)
    class LocalModule(ModuleBase):
        def run(self, sample: LocalIn, plain: Plain | None = None) -> FutureOut: ...

    assert LocalModule.RUN_SIGNATURE.parameters == {"sample": LocalIn, "plain": Optional[Plain]}
