"""Augmentors alone and together."""

from __future__ import annotations

import random
from typing import Any

import pytest

from caikit.core.augmentors import (
    AlwaysSelectionScheme,
    AugmentorBase,
    MergedAugmentor,
    RandomMultiSelectionScheme,
    RandomSingleSelectionScheme,
    SchemeBase,
)


class Append(AugmentorBase):
    augmentor_type = str

    def __init__(self, letter: str = "x") -> None:
        super().__init__(1)
        self.letter = letter

    def _augment(self, obj: str) -> str:
        return obj + self.letter


class Draw(AugmentorBase):
    augmentor_type = float

    def _augment(self, obj: float) -> float:
        return obj + random.random()


class Broken(AugmentorBase):
    augmentor_type = int

    def _augment(self, obj: int) -> Any:
        return None if obj == 0 else "text"


LETTERS = [Append(letter) for letter in "abcdef"]


def test_reset_starts_the_random_numbers_again() -> None:
    draw = Draw(42)
    first = [draw.augment(0.0) for _ in range(3)]
    draw.reset()
    assert [draw.augment(0.0) for _ in range(3)] == first
    assert len(set(first)) == 3


def test_augmentors_disturb_neither_the_program_nor_each_other() -> None:
    before = random.getstate()
    alone = [Draw(42).augment(0.0) for _ in range(2)]
    one, other = Draw(42), Draw(42)
    assert [one.augment(0.0), other.augment(0.0)] == alone
    one.reset()
    assert random.getstate() == before


def test_without_a_seed_reset_still_repeats() -> None:
    draw = Draw(None)
    first = draw.augment(0.0)
    draw.reset()
    assert draw.augment(0.0) == first


def test_types_are_checked() -> None:
    message = r"Input type \[<class 'str'>\] is misaligned with augmentor type \[<class 'int'>\]"
    with pytest.raises(TypeError, match=message):
        Broken(1).augment("x")
    with pytest.raises(TypeError, match=r"Output type \[<class 'str'>\] is misaligned"):
        Broken(1).augment(1)


def test_none_is_an_answer_for_those_who_say_so() -> None:
    with pytest.raises(TypeError, match="Output type"):
        Broken(1).augment(0)
    assert Broken(1, produces_none=True).augment(0) is None
    assert Broken(1, True).produces_none is True


@pytest.mark.parametrize(("seed", "produces_none"), [("1", False), (1, "no"), (1.5, False)])
def test_constructor_arguments(seed: Any, produces_none: Any) -> None:
    with pytest.raises(TypeError):
        AugmentorBase(seed, produces_none)


def test_always() -> None:
    assert AlwaysSelectionScheme(True, LETTERS).execute("") == "abcdef"
    shuffled = AlwaysSelectionScheme(False, LETTERS)
    results = [shuffled.execute("") for _ in range(5)]
    assert len(set(results)) > 1
    assert {"".join(sorted(result)) for result in results} == {"abcdef"}
    shuffled.reset()
    assert [shuffled.execute("") for _ in range(5)] == results


def test_each_by_its_own_probability() -> None:
    scheme = RandomMultiSelectionScheme(False, [1, 0, 1.0, 0, 0, 1], tuple(LETTERS))
    for _ in range(10):
        assert sorted(scheme.execute("")) == ["a", "c", "f"]
    half = RandomMultiSelectionScheme(True, [0.5] * 6, LETTERS, random_seed=3)
    results = [half.execute("") for _ in range(20)]
    assert len(set(results)) > 5
    half.reset()
    assert [half.execute("") for _ in range(20)] == results


def test_exactly_one() -> None:
    assert RandomSingleSelectionScheme([0, 1, 0, 0, 0, 0], LETTERS).execute("") == "b"
    scheme = RandomSingleSelectionScheme([0.5, 0.5], LETTERS[:2])
    results = [scheme.execute("") for _ in range(20)]
    assert set(results) == {"a", "b"}
    scheme.reset()
    assert [scheme.execute("") for _ in range(20)] == results


def test_rounding_of_probabilities_is_forgiven() -> None:
    assert RandomSingleSelectionScheme([0.1] * 10, [Append()] * 10).execute("") == "x"


def test_the_seed_of_a_scheme_matters() -> None:
    def results(seed: int) -> list[str]:
        scheme = RandomSingleSelectionScheme([1 / 6] * 6, LETTERS, random_seed=seed)
        return [scheme.execute("") for _ in range(20)]

    assert results(1) == results(1) != results(2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AlwaysSelectionScheme(True, []), "Must provide at least one augmentor to build a scheme."),
        (
            lambda: RandomMultiSelectionScheme(True, [0.5], LETTERS),
            "Number of selection probabilties must match the number of augmentors",
        ),
        (
            lambda: RandomMultiSelectionScheme(True, [1.5], LETTERS[:1]),
            r"Selection probabilities must be in the range \[0, 1\]",
        ),
        (
            lambda: RandomSingleSelectionScheme([0.5], LETTERS[:1]),
            "Selection probabilities must sum up to one to create a single selection scheme",
        ),
    ],
)
def test_scheme_values_are_checked(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match="value check failed: " + message):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: AlwaysSelectionScheme(1, LETTERS),
        lambda: AlwaysSelectionScheme(True, LETTERS[0]),
        lambda: AlwaysSelectionScheme(True, ["x"]),
        lambda: AlwaysSelectionScheme(True, LETTERS, "1"),
        lambda: RandomMultiSelectionScheme(True, "0.5", LETTERS[:1]),
        lambda: RandomSingleSelectionScheme(["1"], LETTERS[:1]),
        lambda: MergedAugmentor(LETTERS),
    ],
)
def test_scheme_types_are_checked(build: Any) -> None:
    with pytest.raises(TypeError):
        build()


def test_merged_augmentors() -> None:
    merged = MergedAugmentor(AlwaysSelectionScheme(True, LETTERS[:3]))
    assert merged.augmentor_type is str
    assert merged.augment("-") == "-abc"
    assert not merged.produces_none


def test_merged_reset_reaches_all() -> None:
    merged = MergedAugmentor(AlwaysSelectionScheme(False, [Draw(1), Draw(2)]))
    first = [merged.augment(0.0) for _ in range(3)]
    merged.reset()
    assert [merged.augment(0.0) for _ in range(3)] == first


def test_schemes_of_others_may_draw_from_the_random_module() -> None:
    class Coin(SchemeBase):
        def _execute(self, obj: str) -> str:
            return self.augmentors[random.randint(0, 1)].augment(obj)

    merged = MergedAugmentor(Coin(True, LETTERS[:2], 7))
    first = [merged.augment("") for _ in range(10)]
    merged.reset()
    assert [merged.augment("") for _ in range(10)] == first


@pytest.mark.parametrize(
    ("augmentors", "message"),
    [
        ([Append(), Draw(1)], "Cannot merge augmentors with differing augmentor types"),
        ([Broken(1, True)], "Cannot merge augmentors that produces <None> outputs"),
    ],
)
def test_what_cannot_be_merged(augmentors: list[AugmentorBase], message: str) -> None:
    with pytest.raises(ValueError, match="value check failed: " + message):
        MergedAugmentor(AlwaysSelectionScheme(True, augmentors))
