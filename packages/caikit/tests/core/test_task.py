"""Tasks: declaration, inheritance, and what methods must look like."""

# ruff: noqa: UP006, UP007, UP035, UP045 - annotations are spelled in every way that users spell them

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any, List, Optional, Union

import pytest

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream

PACKAGE = "tests.core.tasks"


@dataobject(PACKAGE)
class TaskInput(DataObjectBase):
    text: str


@dataobject(PACKAGE)
class SpecialTaskInput(TaskInput):
    extra: str


@dataobject(PACKAGE)
class TaskOutput(DataObjectBase):
    text: str


@dataobject(PACKAGE)
class SpecialTaskOutput(TaskOutput):
    extra: str


@task(
    unary_parameters={"sample": TaskInput},
    streaming_parameters={"samples": Iterable[TaskInput]},
    unary_output_type=TaskOutput,
    streaming_output_type=Iterable[TaskOutput],
    metadata={"a": 1},
)
class FullTask(TaskBase):
    pass


def decorate(cls: type, **kwargs: Any) -> type[ModuleBase]:
    return module(str(uuid.uuid4()), cls.__name__, "0.0.1", **kwargs)(cls)


def test_a_task_tells_its_interface() -> None:
    assert FullTask.get_required_parameters(input_streaming=False) == {"sample": TaskInput}
    assert FullTask.get_required_parameters(input_streaming=True) == {"samples": Iterable[TaskInput]}
    assert FullTask.get_output_type(output_streaming=False) is TaskOutput
    assert FullTask.get_output_type(output_streaming=True) == Iterable[TaskOutput]
    assert FullTask.get_visibility() is True
    assert FullTask.get_metadata() == {"a": 1}


def test_a_task_without_streams_says_so() -> None:
    @task(unary_parameters={"a": str}, unary_output_type=TaskOutput, visible=False)
    class OnlyUnary(TaskBase):
        pass

    assert OnlyUnary.get_visibility() is False
    assert OnlyUnary.get_metadata() == {}
    with pytest.raises(ValueError, match=r"No streaming inputs are specified for this task"):
        OnlyUnary.get_required_parameters(input_streaming=True)
    with pytest.raises(ValueError, match=r"No streaming outputs are specified for this task"):
        OnlyUnary.get_output_type(output_streaming=True)


def test_a_task_without_unary_flavour_says_so() -> None:
    @task(streaming_parameters={"a": DataStream[str]}, streaming_output_type=List[str])
    class OnlyStreams(TaskBase):
        pass

    with pytest.raises(ValueError, match=r"No unary inputs are specified for this task"):
        OnlyStreams.get_required_parameters(input_streaming=False)
    with pytest.raises(ValueError, match=r"No unary outputs are specified for this task"):
        OnlyStreams.get_output_type(output_streaming=False)


def test_older_keywords_are_understood() -> None:
    @task(required_parameters={"sample": TaskInput}, output_type=TaskOutput, something_else=1)
    class Old(TaskBase):
        pass

    @task(required_parameters={"sample": TaskInput}, output_type=Iterable[TaskOutput])
    class OldStream(TaskBase):
        pass

    assert Old.get_required_parameters(False) == {"sample": TaskInput}
    assert Old.get_output_type(False) is TaskOutput
    assert OldStream.get_output_type(True) == Iterable[TaskOutput]


def test_a_derived_task_inherits() -> None:
    class Plain(FullTask):
        pass

    @task(unary_output_type=SpecialTaskOutput)
    class Narrowed(FullTask):
        pass

    assert Plain.get_required_parameters(False) == {"sample": TaskInput}
    assert Narrowed.get_required_parameters(True) == {"samples": Iterable[TaskInput]}
    assert Narrowed.get_output_type(False) is SpecialTaskOutput
    assert FullTask.get_output_type(False) is TaskOutput


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"unary_output_type": TaskOutput}, ValueError, "At least one input type must be set on a task"),
        (
            {"unary_parameters": {}, "unary_output_type": TaskOutput},
            ValueError,
            "At least one input type must be set on a task",
        ),
        ({"unary_parameters": {"a": str}}, ValueError, "At least one output type must be set on a task"),
        (
            {"unary_parameters": {"a": str}, "unary_output_type": str},
            TypeError,
            r"'str'> is not a subclass of .*DataBase.*: the unary_output_type of Bad is <class 'str'>, expected a",
        ),
        (
            {"unary_parameters": {"a": str}, "streaming_output_type": TaskOutput},
            TypeError,
            r"not a subclass of .*Iterable.*: the streaming_output_type of Bad is <class .*>, expected Iterable\[T\]",
        ),
        (
            {"streaming_parameters": {"a": str}, "unary_output_type": TaskOutput},
            TypeError,
            (
                r"subclass check failed: None is not a subclass of \(<class 'collections.abc.Iterable'>,\)"
                r": the streaming parameter a of Bad is <class 'str'>, expected Iterable\[T\]"
            ),
        ),
        (
            {"unary_parameters": {"a": "str"}, "unary_output_type": TaskOutput},
            TypeError,
            "expected a type for Bad.a, got the text 'str': write it without quotes",
        ),
        ({"unary_parameters": ["a"], "unary_output_type": TaskOutput}, TypeError, "params_dict"),
        ({"unary_parameters": {1: str}, "unary_output_type": TaskOutput}, TypeError, "params_dict_keys"),
    ],
)
def test_bad_declarations_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):

        @task(**arguments)
        class Bad(TaskBase):
            pass


def test_only_tasks_can_be_tasks() -> None:
    with pytest.raises(TypeError, match=r"is not a subclass of .*TaskBase"):

        @task(unary_parameters={"a": str}, unary_output_type=TaskOutput)  # type: ignore[type-var] # the mistake
        class NoTask:
            pass


def test_every_flavour_finds_its_method() -> None:
    @module(str(uuid.uuid4()), "Flavours", "0.0.1", FullTask)
    class Flavours(ModuleBase):
        @FullTask.taskmethod(context_arg="context")
        def run(self, sample: TaskInput, context: Any = None) -> TaskOutput: ...

        @FullTask.taskmethod(False, True)
        def run_out(self, sample: TaskInput) -> DataStream[TaskOutput]: ...

        @FullTask.taskmethod(True)
        def run_in(self, samples: DataStream[TaskInput]) -> TaskOutput: ...

        @FullTask.taskmethod(input_streaming=True, output_streaming=True)
        def run_bidi(self, samples: Iterable[TaskInput]) -> Iterable[TaskOutput]: ...

    found = Flavours.get_inference_signatures(FullTask)
    assert [(i, o, s.method_name) for i, o, s in found or []] == [
        (False, False, "run"),
        (False, True, "run_out"),
        (True, False, "run_in"),
        (True, True, "run_bidi"),
    ]
    signature = Flavours.get_inference_signature(False, False)
    assert signature is not None
    assert signature.context_arg == "context"


def test_run_alone_is_tried_for_three_flavours() -> None:
    @task(unary_parameters={"sample": TaskInput}, streaming_output_type=Iterable[TaskOutput])
    class StreamOut(TaskBase):
        pass

    class Runs(ModuleBase):
        def run(self, sample: TaskInput) -> Iterable[TaskOutput]: ...

    class RunsBidi(ModuleBase):
        def run(self, samples: DataStream[TaskInput]) -> DataStream[TaskOutput]: ...

    assert [
        (i, o) for i, o, _ in decorate(Runs, task=StreamOut).get_inference_signatures(StreamOut) or []
    ] == [(False, True)]
    bidi = decorate(RunsBidi, task=FullTask)
    assert bidi.get_inference_signature(True, True, FullTask) is not None
    assert bidi.get_inference_signature(False, False, FullTask) is None


def with_run(run: Callable[..., Any]) -> type:
    return type("Runner", (ModuleBase,), {"run": run})


def test_problems_of_the_first_attempt_are_reported() -> None:
    def no_parameters(self) -> TaskOutput: ...  # type: ignore[no-untyped-def] # annotations are the topic
    def no_return(self, sample: TaskInput): ...  # type: ignore[no-untyped-def] # annotations are the topic
    def absent(self, other: TaskInput) -> TaskOutput: ...  # type: ignore[no-untyped-def] # annotations are the topic
    def wrong_input(self, sample: str) -> TaskOutput: ...  # type: ignore[no-untyped-def] # annotations are the topic
    def wrong_output(self, sample: TaskInput) -> TaskInput: ...  # type: ignore[no-untyped-def] # annotations are the topic
    def subclass(self, sample: SpecialTaskInput) -> TaskOutput: ...  # type: ignore[no-untyped-def] # annotations are the topic

    for run, error, message in (
        (
            no_parameters,
            ValueError,
            (
                r"Task could not be validated, no .run parameters were provided: "
                r"FullTask needs Runner.run\(self, sample\), or a method with @FullTask.taskmethod\(\)"
            ),
        ),
        (
            no_return,
            ValueError,
            (
                "Task could not be validated, no .run return type was provided: "
                "FullTask needs a type after -> of Runner.run"
            ),
        ),
        (absent, TypeError, r"Required parameters \['sample'\] not in signature for module: <class "),
        (wrong_input, TypeError, "Parameter sample has type .*str.* but type .*TaskInput.* is required"),
        (
            subclass,
            TypeError,
            "Parameter sample has type .*SpecialTaskInput.* but type .*TaskInput.* is required",
        ),
        (
            wrong_output,
            TypeError,
            "Wrong output type for module <class .*>: Found <class .*> but expected <class ",
        ),
    ):
        with pytest.raises(error, match=message):
            decorate(with_run(run), task=FullTask)


def test_streams_of_other_elements_are_refused() -> None:
    class WrongElement(ModuleBase):
        @FullTask.taskmethod(True, False)
        def run_in(self, samples: DataStream[TaskOutput]) -> TaskOutput: ...

    with pytest.raises(
        TypeError, match=r"Wrong input type for samples, expected .*TaskInput.* but got .*TaskOutput"
    ):
        decorate(WrongElement, task=FullTask)


@pytest.mark.parametrize(
    ("required", "offered", "fits"),
    [
        (TaskInput, Optional[TaskInput], True),
        (TaskInput, DataObjectBase, True),
        (SpecialTaskInput, TaskInput, True),
        (Union[str, int], Union[int, str, bytes], True),
        (Union[str, int, bytes], Union[str, int], False),
        (Optional[str], str, False),
        (List[str], list[str], True),
        (List[str], List[int], False),
    ],
)
def test_types_of_parameters(required: Any, offered: Any, fits: bool) -> None:
    @task(unary_parameters={"value": required}, unary_output_type=TaskOutput)
    class OneValue(TaskBase):
        pass

    def run(self, value):  # type: ignore[no-untyped-def] # annotated below
        ...

    run.__annotations__ = {"value": offered, "return": SpecialTaskOutput}
    if fits:
        assert decorate(with_run(run), task=OneValue).get_inference_signature(False, False) is not None
    else:
        with pytest.raises(TypeError, match=r"Parameter value has type"):
            decorate(with_run(run), task=OneValue)


def test_a_class_that_is_defined_again_forgets_its_former_methods() -> None:
    def define(first: bool) -> type[ModuleBase]:
        if first:

            class Again(ModuleBase):
                @FullTask.taskmethod()
                def old_name(self, sample: TaskInput) -> TaskOutput: ...

        else:

            class Again(ModuleBase):  # type: ignore[no-redef] # as in a notebook
                @FullTask.taskmethod()
                def new_name(self, sample: TaskInput) -> TaskOutput: ...

        return decorate(Again, task=FullTask)

    define(True)
    signature = define(False).get_inference_signature(False, False)
    assert signature is not None
    assert signature.method_name == "new_name"


def test_a_method_can_solve_two_tasks() -> None:
    @task(unary_parameters={"sample": TaskInput}, unary_output_type=TaskOutput)
    class OtherTask(TaskBase):
        pass

    class Both(ModuleBase):
        @FullTask.taskmethod()
        @OtherTask.taskmethod()
        def work(self, sample: TaskInput) -> TaskOutput: ...

    both = decorate(Both, tasks=[FullTask, OtherTask])
    for each in (FullTask, OtherTask):
        signature = both.get_inference_signature(False, False, each)
        assert signature is not None
        assert signature.method_name == "work"


def test_a_child_module_inherits_tasks_and_methods() -> None:
    class Parent(ModuleBase):
        @FullTask.taskmethod()
        def work(self, sample: TaskInput) -> TaskOutput: ...

    parent = decorate(Parent, task=FullTask)

    class Child(parent):  # type: ignore[valid-type,misc] # made at run time
        def work(self, sample: TaskInput, more: int = 1) -> SpecialTaskOutput: ...

    child = decorate(Child)
    assert child.tasks == [FullTask]
    signature = child.get_inference_signature(False, False, FullTask)
    assert signature is not None
    assert signature.module is child
    assert signature.default_parameters == {"more": 1}


def test_own_tasks_come_before_those_of_parents() -> None:
    @task(unary_parameters={"other": str}, unary_output_type=TaskOutput)
    class OtherTask(TaskBase):
        pass

    class Parent(ModuleBase):
        def run(self, sample: TaskInput) -> TaskOutput: ...

    parent = decorate(Parent, task=FullTask)

    class Child(parent):  # type: ignore[valid-type,misc] # made at run time
        def run(self, other: str) -> TaskOutput: ...

    child = decorate(Child, task=OtherTask)
    assert child.tasks == [OtherTask, FullTask]
    assert child().tasks == [OtherTask, FullTask]
    assert child.get_inference_signature(False, False, FullTask) is None
    assert parent.tasks == [FullTask]
    child.tasks.clear()
    assert child.tasks == [OtherTask, FullTask]


@pytest.mark.parametrize(
    ("offered", "fits"),
    [
        (TaskOutput, True),
        (SpecialTaskOutput, True),
        (Optional[TaskOutput], True),
        (Union[str, SpecialTaskOutput], True),
        (TaskInput, False),
        (DataObjectBase, False),
        (Iterable[TaskOutput], False),
    ],
)
def test_types_of_results(offered: Any, fits: bool) -> None:
    def run(self, sample): ...  # type: ignore[no-untyped-def] # annotated below

    run.__annotations__ = {"sample": TaskInput, "return": offered}

    @task(unary_parameters={"sample": TaskInput}, unary_output_type=TaskOutput)
    class OneResult(TaskBase):
        pass

    if fits:
        assert decorate(with_run(run), task=OneResult).get_inference_signature(False, False) is not None
    else:
        with pytest.raises(TypeError, match=r"Wrong output type for module"):
            decorate(with_run(run), task=OneResult)


@pytest.mark.parametrize(
    ("offered", "result", "fits"),
    [
        (DataStream[TaskInput], DataStream[TaskOutput], True),
        (Iterable[TaskInput], List[TaskOutput], True),
        (list[SpecialTaskInput], Iterable[SpecialTaskOutput], True),
        (TaskInput, Iterable[TaskOutput], False),
        (DataStream, Iterable[TaskOutput], False),
        (Iterable[TaskInput], TaskOutput, False),
        (Iterable[TaskInput], Iterable[TaskInput], False),
    ],
)
def test_types_of_streams(offered: Any, result: Any, fits: bool) -> None:
    def run_bidi(self, samples): ...  # type: ignore[no-untyped-def] # annotated below

    run_bidi.__annotations__ = {"samples": offered, "return": result}
    cls = type("Runner", (ModuleBase,), {"run_bidi": FullTask.taskmethod(True, True)(run_bidi)})
    if fits:
        assert decorate(cls, task=FullTask).get_inference_signature(True, True) is not None
    else:
        with pytest.raises(TypeError, match=r"Wrong (input|output) type .*\(method run_bidi\)"):
            decorate(cls, task=FullTask)


def test_the_method_that_does_not_fit_is_named() -> None:
    class Silent(ModuleBase):
        @FullTask.taskmethod()
        def work(self, sample: TaskInput): ...  # type: ignore[no-untyped-def] # the mistake

    message = r"Task could not be validated, no \.work return type was provided"
    with pytest.raises(ValueError, match=message):
        decorate(Silent, task=FullTask)
