"""A library of modules that show what reaches them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from caikit.core import BackendBase, ModuleBase, ModuleLoader, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject

PACKAGE = "tests.bound_lib"


@dataobject(package=PACKAGE)
class BoundPerson(DataObjectBase):
    name: str


@dataobject(package=PACKAGE)
class BoundReply(DataObjectBase):
    text: str


@task(
    unary_parameters={"person": BoundPerson},
    streaming_parameters={"people": Iterable[BoundPerson]},
    unary_output_type=BoundReply,
    streaming_output_type=Iterable[BoundReply],
)
class BoundGreetTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=BoundReply)
class BoundEchoTask(TaskBase):
    pass


@task(unary_parameters={"left": str, "rights": list[str]}, unary_output_type=BoundReply)
class BoundListTask(TaskBase):
    pass


@task(
    streaming_parameters={"xs": Iterable[float], "names": Iterable[str]},
    streaming_output_type=Iterable[BoundReply],
)
class BoundZipTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=BoundReply)
class BoundOwnTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=BoundReply)
class BoundUnservedTask(TaskBase):
    pass


class _Loadable(ModuleBase):
    @classmethod
    def load(cls, model_path: Any, **kwargs: Any) -> Any:
        return cls()


@module("b0a11111-5d7c-4f43-8f6d-000000000001", "BoundGreeter", "1.0.0", task=BoundGreetTask)
class BoundGreeter(ModuleBase):
    def __init__(self, greeting: str = "Hello") -> None:
        super().__init__()
        self.greeting = greeting

    @classmethod
    def load(cls, model_path: Any, **kwargs: Any) -> BoundGreeter:
        return cls(ModuleLoader(model_path).config.get("greeting", "Hello"))

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"greeting": self.greeting})

    @BoundGreetTask.taskmethod(context_arg="context")
    def run(
        self,
        person: BoundPerson,
        times: int = 1,
        names: list[str] | list[int] | None = None,
        sleep: float = 0.0,
        fail: str | None = None,
        context: Any = None,
    ) -> BoundReply:
        if fail:
            raise ValueError(fail)
        end = time.monotonic() + sleep
        while time.monotonic() < end:
            time.sleep(0.005)
        shown = "" if names is None else f" {names!r}"
        native = "" if context is None else f" {context}"
        return BoundReply(" ".join([f"{self.greeting} {person.name}"] * times) + shown + native)

    @BoundGreetTask.taskmethod(output_streaming=True)
    def run_out(self, person: BoundPerson, count: int = 3, fail: str | None = None) -> DataStream[BoundReply]:
        if fail == "early":
            raise ValueError(fail)

        def replies() -> Iterable[BoundReply]:
            for number in range(count):
                if fail and number:
                    raise ValueError(fail)
                yield BoundReply(f"{person.name} {number}")

        return DataStream(replies)

    @BoundGreetTask.taskmethod(input_streaming=True)
    def run_in(self, people: DataStream[BoundPerson], greeting: str = "Hi") -> BoundReply:
        return BoundReply(f"{greeting} {', '.join(person.name for person in people)}")

    @BoundGreetTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, people: DataStream[BoundPerson], greeting: str = "Hi") -> Iterable[BoundReply]:
        for person in people:
            yield BoundReply(f"{greeting} {person.name}")

    @classmethod
    def train(
        cls,
        training_data: DataStream[str],
        greeting: str = "Trained",
        base: ModuleBase | None = None,
        extras: list[str] | None = None,
        fail: str | None = None,
        sleep: float = 0.0,
    ) -> BoundGreeter:
        words = list(training_data)
        if fail == "value":
            raise ValueError("bad data")
        if fail == "runtime":
            raise RuntimeError("bad luck")
        end = time.monotonic() + sleep
        while time.monotonic() < end:
            time.sleep(0.005)
        of = f" from {base.greeting}" if isinstance(base, BoundGreeter) else ""
        return cls(f"{greeting} {'+'.join(words)}{of} {extras}")


@module("b0a11111-5d7c-4f43-8f6d-000000000002", "BoundPolite", "1.0.0", tasks=[BoundGreetTask, BoundEchoTask])
class BoundPolite(_Loadable):
    """Two tasks; other parameters than the greeter."""

    @BoundGreetTask.taskmethod()
    def greet(self, person: BoundPerson, honorific: str = "Dr.") -> BoundReply:
        return BoundReply(f"{honorific} {person.name}")

    @BoundEchoTask.taskmethod(context_arg="context")
    def echo(self, context: Any, text: str, table: dict[str, int] | None = None) -> BoundReply:
        return BoundReply(f"{text} {table} {context}")


@module("b0a11111-5d7c-4f43-8f6d-000000000003", "BoundLists", "1.0.0", task=BoundListTask)
class BoundLists(_Loadable):
    def run(self, left: str, rights: list[str], more: list[str] | None = None) -> BoundReply:
        return BoundReply(f"{left} {rights} {more}")


@module("b0a11111-5d7c-4f43-8f6d-000000000004", "BoundZip", "1.0.0", task=BoundZipTask)
class BoundZip(_Loadable):
    @BoundZipTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(
        self, xs: DataStream[float], names: DataStream[str], mode: str = "zip"
    ) -> Iterable[BoundReply]:
        if mode == "one after the other":
            total = sum(xs)
            yield BoundReply(f"{total} {list(names)}")
        elif mode == "twice":
            yield BoundReply(f"{list(xs)} {list(xs)}")
        else:
            for x, name in zip(xs, names):  # noqa: B905 - the streams have one length
                yield BoundReply(f"{name}={x}")


@module("b0a11111-5d7c-4f43-8f6d-000000000005", "BoundNoTask", "1.0.0")
class BoundNoTask(_Loadable):
    pass


@module("b0a11111-5d7c-4f43-8f6d-000000000006", "BoundContrary", "1.0.0", task=BoundGreetTask)
class BoundContrary(_Loadable):
    """Means something else by a parameter of the greeter."""

    @BoundGreetTask.taskmethod()
    def run(self, person: BoundPerson, times: str = "once") -> BoundReply:
        return BoundReply(times)


@module("b0a11111-5d7c-4f43-8f6d-000000000007", "BoundOwnNames", "1.0.0", task=BoundOwnTask)
class BoundOwnNames(_Loadable):
    """Its parameters have the names of those of whoever calls it."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text

    def run(self, text: str, wait: str = "", predictor: str = "", save_with_id: str = "") -> BoundReply:
        return BoundReply(" ".join((text, wait, predictor, save_with_id)))

    @classmethod
    def train(cls, wait: int, trainer: str, save_path: str, model_name: str, module: str) -> BoundOwnNames:
        return cls(f"{wait} {trainer} {save_path} {model_name} {module}")

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"text": self.text})


class BoundBackend(BackendBase):
    """Sees every request."""

    backend_type = "BOUNDLIB"
    seen: list[tuple[Any, Any]] = []
    seen_lock = threading.Lock()

    def register_config(self, config: Any) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def handle_runtime_context(self, model_id: str, runtime_context: Any) -> None:
        with self.seen_lock:
            self.seen.append((model_id, runtime_context))
