"""The decorator that makes a class a module."""

from __future__ import annotations

import abc
import functools
import uuid
from collections.abc import Iterable
from typing import Any

import pytest

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.model_manager import get_valid_module_ids
from caikit.core.module_backends import BackendBase
from caikit.core.module_backends.backend_types import register_backend_type
from caikit.core.modules import decorator
from caikit.core.registries import module_backend_registry, module_registry


class DecoratorBackend(BackendBase):
    backend_type = "DECORATORTEST"

    def register_config(self, config: dict[str, Any]) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


register_backend_type(DecoratorBackend)


@dataobject("tests.core.module_decorator")
class DecoratorData(DataObjectBase):
    text: str


@task(unary_parameters={"sample": DecoratorData}, unary_output_type=DecoratorData)
class DecoratorTask(TaskBase):
    pass


def new_id() -> str:
    return str(uuid.uuid4())


def test_the_class_knows_what_it_is() -> None:
    module_id = new_id()

    @module(module_id, "Name", "1.2.3-rc.1+build5", DecoratorTask)
    class Complete(ModuleBase):
        def run(self, sample: DecoratorData) -> DecoratorData: ...

    assert (
        module_id,
        "Name",
        "1.2.3-rc.1+build5",
    ) == (Complete.MODULE_ID, Complete.MODULE_NAME, Complete.MODULE_VERSION)
    assert Complete.MODULE_CLASS.endswith(".test_the_class_knows_what_it_is.<locals>.Complete")
    assert Complete.PRODUCER_ID.name == "Name"
    assert Complete.PRODUCER_ID.version == "1.2.3-rc.1+build5"
    assert Complete.RUN_SIGNATURE.parameters == {"sample": DecoratorData}
    assert Complete.TRAIN_SIGNATURE.parameters == {}
    assert Complete.tasks == [DecoratorTask]
    assert Complete.BACKEND_TYPE == "LOCAL"
    assert Complete.SUPPORTED_LOAD_BACKENDS == ["LOCAL"]
    assert Complete().module_metadata == {"name": "Name", "version": "1.2.3-rc.1+build5"}
    assert module_registry()[module_id] is Complete
    assert module_backend_registry()[module_id]["LOCAL"].impl_class is Complete
    assert get_valid_module_ids()[module_id] == "Complete"


def test_a_module_needs_no_task() -> None:
    @module(id=new_id(), name="Helper", version="0.0.1")
    class Helper(ModuleBase):
        pass

    assert Helper.tasks == []
    assert ModuleBase.tasks == []
    assert Helper.get_inference_signature(False, False) is None
    assert Helper.get_inference_signatures(DecoratorTask) is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"id": 12, "name": "a", "version": "0.0.1"}, TypeError, "`id`"),
        ({"id": "a", "name": None, "version": "0.0.1"}, TypeError, "expected `name` or"),
        ({"id": "a", "name": "b"}, TypeError, "expected `version` or"),
        ({}, TypeError, "`id`, `name`, `version` or"),
        ({"id": "a", "name": "a", "version": "1.0"}, ValueError, "1.0 is not valid SemVer string"),
        ({"id": "a", "name": "a", "version": "01.0.0"}, ValueError, "is not valid SemVer string"),
        (
            {"id": "a", "name": "a", "version": "0.0.1", "task": DecoratorTask, "tasks": [DecoratorTask]},
            ValueError,
            "Specify either task or tasks parameter, not both.",
        ),
        (
            {"id": "a", "name": "a", "version": "0.0.1", "tasks": {DecoratorTask}},
            TypeError,
            "`tasks` has type `set`",
        ),
        ({"id": "a", "name": "a", "version": "0.0.1", "task": str}, TypeError, "subclass check failed"),
        ({"base_module": "zzz"}, ValueError, "Unknown base module id: zzz"),
        ({"base_module": 12}, TypeError, "base_module"),
        ({"base_module": str}, TypeError, "subclass check failed"),
        ({"base_module": ModuleBase}, ValueError, "is not decorated with"),
        (
            {"id": "a", "name": "a", "version": "0.0.1", "backend_config_override": 1},
            TypeError,
            "backend_config_override",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        module(**arguments)


def test_only_modules_can_be_modules() -> None:
    with pytest.raises(TypeError, match=r"`Plain` does not extend ModuleBase"):

        @module(new_id(), "Plain", "0.0.1")  # type: ignore[type-var] # the mistake
        class Plain:
            pass

    with pytest.raises(TypeError):

        @module  # type: ignore[arg-type] # the mistake
        class Bare(ModuleBase):
            pass


def test_an_id_belongs_to_one_class() -> None:
    module_id = new_id()

    @module(module_id, "A", "0.0.1")
    class First(ModuleBase):
        pass

    with pytest.raises(
        RuntimeError, match=rf"MODULE_ID `{module_id}` conflicts for classes `Second` and `First`"
    ):

        @module(module_id, "B", "0.0.1")
        class Second(ModuleBase):
            pass

    assert module_registry()[module_id] is First


def test_the_same_class_can_be_defined_again() -> None:
    module_id = new_id()

    def define() -> type[ModuleBase]:
        @module(module_id, "A", "0.0.1")
        class Reloaded(ModuleBase):
            pass

        return Reloaded

    define()
    newest = define()
    assert module_registry()[module_id] is newest
    assert module_backend_registry()[module_id]["LOCAL"].impl_class is newest


def test_a_failed_decoration_registers_nothing() -> None:
    module_id = new_id()
    with pytest.raises(
        ValueError, match=rf"Cannot override implementation of {module_id} for unknown backend type NOPE"
    ):

        @module(module_id, "A", "0.0.1", backend_type="NOPE")
        class BadBackend(ModuleBase):
            pass

    with pytest.raises(ValueError, match=r"no .run parameters"):

        @module(module_id, "A", "0.0.1", DecoratorTask)
        class NoRun(ModuleBase):
            pass

    assert module_id not in module_registry()
    assert module_id not in module_backend_registry()


def test_an_implementation_for_another_backend() -> None:
    @module(new_id(), "Base", "0.0.1", DecoratorTask)
    class Base(ModuleBase):
        def run(self, sample: DecoratorData) -> DecoratorData: ...

    @module(base_module=Base, backend_type="DECORATORTEST", backend_config_override={"a": 1})
    class Implementation(ModuleBase):
        SUPPORTED_LOAD_BACKENDS = ["DECORATORTEST", "LOCAL"]

        def run(self, sample: DecoratorData) -> DecoratorData: ...

    assert Implementation.MODULE_ID == Base.MODULE_ID
    assert Implementation.tasks == [DecoratorTask]
    assert Implementation.get_inference_signature(False, False, DecoratorTask) is not None
    assert Implementation.SUPPORTED_LOAD_BACKENDS == ["DECORATORTEST", "LOCAL"]
    assert module_registry()[Base.MODULE_ID] is Base
    registered = module_backend_registry()[Base.MODULE_ID]["DECORATORTEST"]
    assert registered.impl_class is Implementation
    assert registered.backend_config_override == {"a": 1}

    with pytest.raises(
        AssertionError, match=rf"Registration conflict! \({Base.MODULE_ID}, DECORATORTEST\) already"
    ):

        @module(base_module=Base.MODULE_ID, backend_type="DECORATORTEST")
        class Another(ModuleBase):
            pass


def test_what_a_parent_can_load_is_not_inherited() -> None:
    @module(new_id(), "Parent", "0.0.1")
    class Parent(ModuleBase):
        SUPPORTED_LOAD_BACKENDS = ["LOCAL", "OTHER"]

    @module(base_module=Parent, backend_type="DECORATORTEST")
    class Child(Parent):
        pass

    assert decorator.SUPPORTED_LOAD_BACKENDS_VAR_NAME == "SUPPORTED_LOAD_BACKENDS"
    assert Child.SUPPORTED_LOAD_BACKENDS == ["DECORATORTEST"]


def test_an_implementation_may_solve_other_tasks_than_its_base() -> None:
    @task(unary_parameters={"sample": DecoratorData}, unary_output_type=DecoratorData)
    class AnotherTask(TaskBase):
        pass

    @module(new_id(), "Base", "0.0.1", DecoratorTask)
    class Base(ModuleBase):
        def run(self, sample: DecoratorData) -> DecoratorData: ...

    @module(base_module=Base, backend_type="DECORATORTEST", tasks=[AnotherTask])
    class Implementation(ModuleBase):
        def run(self, sample: DecoratorData) -> DecoratorData: ...

    assert Implementation.tasks == [AnotherTask]
    assert Implementation.get_inference_signature(False, False, AnotherTask) is not None
    assert Base.tasks == [DecoratorTask]


def test_of_two_methods_for_one_flavour_the_first_counts() -> None:
    @module(new_id(), "Two", "0.0.1", DecoratorTask)
    class Two(ModuleBase):
        @DecoratorTask.taskmethod()
        def first(self, sample: DecoratorData) -> DecoratorData: ...

        @DecoratorTask.taskmethod()
        def second(self, sample: DecoratorData) -> DecoratorData: ...

    found = Two.get_inference_signatures(DecoratorTask)
    assert [signature.method_name for _, _, signature in found or []] == ["first", "second"]
    signature = Two.get_inference_signature(False, False, DecoratorTask)
    assert signature is not None
    assert signature.method_name == "first"


def test_without_a_known_task_the_signatures_of_the_first_are_told() -> None:
    @module(new_id(), "One", "0.0.1", tasks=[DecoratorTask, DecoratorTask])
    class One(ModuleBase):
        def run(self, sample: DecoratorData) -> DecoratorData: ...

    assert One.tasks == [DecoratorTask]
    for asked in (None, DecoratorTask, TaskBase):
        signature = One.get_inference_signature(False, False, asked)
        assert signature is not None
        assert signature.method_name == "run"
    assert One.get_inference_signature(True, False) is None


def test_marks_survive_decorators_that_copy_attributes() -> None:
    def noted(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @module(new_id(), "Decorated", "0.0.1", DecoratorTask)
    class Decorated(ModuleBase):
        @noted
        @DecoratorTask.taskmethod()
        def below(self, sample: DecoratorData) -> DecoratorData: ...

        @DecoratorTask.taskmethod(output_streaming=False)
        @noted
        def above(self, sample: DecoratorData) -> DecoratorData: ...

    found = Decorated.get_inference_signatures(DecoratorTask)
    assert [signature.method_name for _, _, signature in found or []] == ["below", "above"]


def test_abstract_methods_of_modules_are_respected() -> None:
    class Abstract(ModuleBase):
        @abc.abstractmethod
        def hook(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]  # the mistake


def test_the_registries_are_live() -> None:
    known = module_registry()
    module_id = new_id()

    @module(module_id, "Listed", "0.0.1")
    class Listed(ModuleBase):
        pass

    assert known[module_id] is Listed
    del known[module_id], module_backend_registry()[module_id]
    assert module_id not in get_valid_module_ids()


@task(
    unary_parameters={"sample": DecoratorData},
    unary_output_type=DecoratorData,
    streaming_output_type=Iterable[DecoratorData],
)
class AdvisedTask(TaskBase):
    pass


class Plain(ModuleBase):
    def run(self, sample: DecoratorData, times: int = 1) -> DecoratorData: ...


class Inputs(ModuleBase):
    def run(self, sample: DecoratorData, times: int, context: Any = None) -> DecoratorData: ...


class InstanceMethods(ModuleBase):
    def run(self, sample: DecoratorData) -> DecoratorData: ...
    def train(self, data: list[str]) -> InstanceMethods: ...
    def load(self, model_path: str) -> InstanceMethods: ...  # type: ignore[override] # the mistake


class OnlyStream(ModuleBase):
    def run(self, sample: DecoratorData) -> DecoratorData: ...
    def run_twice(self, sample: DecoratorData, other: str) -> str: ...

    @AdvisedTask.taskmethod(output_streaming=True)
    def run_stream(self, sample: DecoratorData) -> Iterable[DecoratorData]: ...


class NoMarks(ModuleBase):
    def run(self, sample: DecoratorData) -> DecoratorData: ...
    def run_stream(self, sample: DecoratorData) -> Iterable[DecoratorData]: ...


class Marked(ModuleBase):
    @AdvisedTask.taskmethod()
    def run(self, sample: DecoratorData) -> DecoratorData: ...

    @AdvisedTask.taskmethod(output_streaming=True, context_arg="context")
    def run_stream(self, sample: DecoratorData, context: Any) -> Iterable[DecoratorData]: ...

    @classmethod
    def train(cls, data: list[str]) -> Marked: ...


@pytest.mark.parametrize(
    ("cls", "warnings"),
    [
        (Plain, []),
        (Marked, []),
        (
            Inputs,
            [
                (
                    "Inputs.run needs times, which is no input of AdvisedTask: give it a default, or callers of all "
                    "models of the task are asked for it"
                )
            ],
        ),
        (
            InstanceMethods,
            [
                f"InstanceMethods.{name} is called on the class: put @classmethod above it"
                for name in ("load", "train")
            ],
        ),
        (
            OnlyStream,
            ["OnlyStream.run fits AdvisedTask, but is not served: mark it with @AdvisedTask.taskmethod()"],
        ),
        (
            NoMarks,
            [
                (
                    "NoMarks.run_stream fits AdvisedTask, but is not served: mark it with "
                    "@AdvisedTask.taskmethod(output_streaming=True), and run with @AdvisedTask.taskmethod()"
                )
            ],
        ),
    ],
)
def test_likely_mistakes_are_announced(
    cls: type[ModuleBase], warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        module(new_id(), "Advised", "0.0.1", AdvisedTask)(cls)
    told = [record.msg["message"] % record.msg["args"] for record in caplog.records]
    assert told == [f"{__name__}.{warning}" for warning in warnings]
