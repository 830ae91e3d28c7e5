"""What every module can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from caikit.core import DataObjectBase, EvalTypes, ModuleBase, dataobject, module
from caikit.core.data_model import DataStream
from caikit.core.module_backends import LocalBackend
from caikit.core.modules import EvaluationHooks


@dataobject("tests.core.module_base")
class BaseSample(DataObjectBase):
    text: str


class Joiner(ModuleBase):
    def __init__(self, sign: str = "-") -> None:
        self.sign = sign

    def run(self, *parts: Any, **more: Any) -> str:
        return self.sign.join(str(part) for part in (*parts, *more.values()))


def test_what_is_not_implemented_says_so() -> None:
    model = ModuleBase()
    for call in (
        model.run,
        lambda: model.save("x"),
        ModuleBase.train,
        ModuleBase.bootstrap,
        model.validate_loaded_model,
        lambda: ModuleBase.validate_training_data([]),
    ):
        with pytest.raises(NotImplementedError, match=r"This is not available in this module."):
            call()  # type: ignore[operator] # mypy sees a join of the calls


def test_load_delegates_to_its_hook(tmp_path: Path) -> None:
    class Hooked(ModuleBase):
        @classmethod
        def _load(cls, module_loader: Any, *args: Any, **kwargs: Any) -> Any:
            return cls(), module_loader.config.a, args, kwargs

    (tmp_path / "config.yml").write_text("module_id: x\na: 5\n")
    _, *rest = Hooked.load(str(tmp_path), 1, b=2)
    assert rest == [5, (1,), {"b": 2}]
    with pytest.raises(NotImplementedError):
        ModuleBase.load(str(tmp_path))


def test_state_does_not_depend_on_the_constructor_of_the_base() -> None:
    model = Joiner()
    assert model.load_backend is None
    backend = LocalBackend()
    model.set_load_backend(backend)
    assert model.load_backend is backend
    model.metadata["a"] = 1
    assert model.metadata == {"a": 1}
    assert Joiner().metadata == {}
    assert model.public_model_info == {}


def test_batches_run_one_by_one() -> None:
    model = Joiner()
    assert model.run_batch(["a", "b"], "c") == ("a-c", "b-c")
    assert model.run_batch(("a", "b"), x=["1", "2"], y=[1, 2]) == ("a-1-[1, 2]", "b-2-[1, 2]")
    samples = [BaseSample("x"), BaseSample("y")]
    assert len(model.run_batch(samples)) == 2
    assert model.run_batch([]) == ()


def test_batches_that_make_no_sense() -> None:
    model = Joiner()
    with pytest.raises(ValueError, match=r"No iterable passed to batch predict"):
        model.run_batch("abc", 1)
    with pytest.raises(
        ValueError, match=r"Iterables of varying length may not be passed to default batch predict."
    ):
        model.run_batch(["a"], ["b", "c"])
    with pytest.raises(ValueError, match=r"Generator types are incompatible with .run_batch"):
        model.run_batch(letter for letter in "ab")
    with pytest.raises(ValueError, match=r"Data streams are incompatible with .run_batch"):
        model.run_batch(DataStream.from_iterable(["a"]))


def test_streams_run_lazily() -> None:
    seen: list[str] = []

    class Noting(Joiner):
        def run(self, *parts: Any, **more: Any) -> str:
            seen.append(parts[0])
            return super().run(*parts, **more)

    stream = Noting().stream(DataStream.from_iterable(["a", "b"]), "x")
    assert seen == []
    assert list(stream) == ["a-x", "b-x"]
    with pytest.raises(TypeError):
        Noting().stream(["a"])  # type: ignore[arg-type] # the mistake
    with pytest.raises(
        ValueError, match=r"Only one DataStream may be passed when invoking module stream\(\)"
    ):
        Noting().stream(stream, stream)


def test_timed_runs() -> None:
    seconds, iterations, result = Joiner().timed_run("a", "b", num_iterations=3)
    assert seconds >= 0
    assert (iterations, result) == (3, "a-b")
    seconds, iterations, _ = Joiner().timed_run("a", num_seconds=0.01, num_iterations=1)
    assert seconds >= 0.01
    assert iterations > 1


def test_quality_evaluation(tmp_path: Path) -> None:
    class Evaluated(Joiner):
        evaluation_type: ClassVar[EvalTypes | None] = EvalTypes.SINGLELABEL_MULTICLASS

        def _extract_gold_set(self, dataset: Any) -> Any:
            return [row["gold"] for row in dataset]

        def _extract_pred_set(self, dataset: Any, preprocess_func: Any = None, **kwargs: Any) -> Any:
            return [self.run(preprocess_func(row["text"])) for row in dataset]

        @staticmethod
        def find_label_func(item: Any) -> Any:
            return item

        @staticmethod
        def find_label_data_func(items: Any, label: Any) -> Any:
            return [item for item in items if item == label]

    path = tmp_path / "data.json"
    path.write_text(json.dumps([{"text": "A", "gold": "a"}, {"text": "B", "gold": "a"}]))
    hooks: EvaluationHooks = Evaluated()  # for the type checker
    assert hooks.evaluation_type is EvalTypes.SINGLELABEL_MULTICLASS
    report = Evaluated().evaluate_quality(str(path), preprocess_func=str.lower)
    assert report["per_class_confusion_matrix"]["a"]["recall"] == 0.5
    with pytest.raises(ValueError, match=r"Unsure of how to load: x.csv"):
        Evaluated().evaluate_quality("x.csv")
    with pytest.raises(TypeError):
        Evaluated().evaluate_quality(12)  # type: ignore[arg-type] # the mistake


def test_a_timed_load(tmp_path: Path) -> None:
    @module("b4a6f8f2-97a1-4d7c-8a53-1f0d3f6f8a01", "Timed", "0.0.1")
    class Timed(ModuleBase):
        @classmethod
        def load(cls, model_path: Any, *args: Any, **kwargs: Any) -> Timed:
            return cls()

    (tmp_path / "config.yml").write_text(f"module_id: {Timed.MODULE_ID}\n")
    seconds, model = ModuleBase.timed_load(str(tmp_path))
    assert 0 <= seconds < 5
    assert isinstance(model, Timed)
