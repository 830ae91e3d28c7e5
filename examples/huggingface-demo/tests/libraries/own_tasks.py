"""Tasks of somebody: the demo has no forms that were made for them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import Enum

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream

PACKAGE = "tests.demo_own_tasks"


@dataobject(PACKAGE)
class Mood(Enum):
    CALM = 0
    LOUD = 1


@dataobject(PACKAGE)
class Line(DataObjectBase):
    text: str
    number: int


@dataobject(PACKAGE)
class Address(DataObjectBase):
    street: str
    numbers: list[int]


@dataobject(PACKAGE)
class Person(DataObjectBase):
    name: str
    mood: Mood
    address: Address


@dataobject(PACKAGE)
class Description(DataObjectBase):
    person: Person
    size: int
    given: list[str]


@task(unary_parameters={"text": str, "loud": bool}, unary_output_type=Line)
class RepeatTask(TaskBase):
    """Says it again."""


@task(unary_parameters={"up_to": int}, streaming_output_type=Iterable[Line])
class CountTask(TaskBase):
    """Says numbers."""


@task(unary_parameters={"person": Person, "picture": bytes}, unary_output_type=Description)
class DescribeTask(TaskBase):
    """Says what it was given."""


@task(
    unary_parameters={"numbers": list[int]},
    streaming_parameters={"numbers": Iterable[int]},
    unary_output_type=Line,
)
class SumTask(TaskBase):
    """Adds numbers, which may come one after the other."""


class Stateless(ModuleBase):
    @classmethod
    def load(cls, model_path: str) -> Stateless:
        return cls()


@module("6A5C9E0E-0001-4000-8000-000000000001", "repeat", "0.0.0", task=RepeatTask)
class Repeater(Stateless):
    @RepeatTask.taskmethod()
    def run(
        self, text: str, loud: bool, times: int | None = 2, factor: float | None = None, end: bool = True
    ) -> Line:
        said = " ".join([text.upper() if loud else text] * (times or 0))
        return Line(f"{said}{'.' * end}", round((times or 0) * (factor or 1)))


@module("6A5C9E0E-0001-4000-8000-000000000002", "count", "0.0.0", task=CountTask)
class Counter(Stateless):
    @CountTask.taskmethod(output_streaming=True)
    def run_stream_out(self, up_to: int, pause: float = 0.0) -> Iterable[Line]:
        if up_to < 0:
            raise ValueError(f"expected 0 or more as up_to, got {up_to} in <this> *call*")
        for number in range(1, up_to + 1):
            yield Line(f"number {number}", number)
            time.sleep(pause)


@module("6A5C9E0E-0001-4000-8000-000000000003", "describe", "0.0.0", task=DescribeTask)
class Describer(Stateless):
    @DescribeTask.taskmethod()
    def run(
        self,
        person: Person,
        picture: bytes,
        tags: list[str] | None = None,
        names: list[str] | list[int] | None = None,
        scores: dict[str, int] | None = None,
        other: Person | None = None,
    ) -> Description:
        given = {"tags": tags, "names": names, "scores": scores, "other": other}
        return Description(
            person, len(picture), [f"{name}={value}" for name, value in given.items() if value]
        )


@module("6A5C9E0E-0001-4000-8000-000000000004", "sum", "0.0.0", task=SumTask)
class Adder(Stateless):
    @SumTask.taskmethod()
    def run(self, numbers: list[int]) -> Line:
        return Line(f"{len(numbers)} numbers", sum(numbers))

    @SumTask.taskmethod(input_streaming=True)
    def run_stream_in(self, numbers: DataStream[int]) -> Line:
        return self.run(list(numbers))
