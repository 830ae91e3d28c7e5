"""Data objects as models of pydantic."""

from __future__ import annotations

import enum
from datetime import datetime

import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.runtime import http_server

pydantic = pytest.importorskip("pydantic")


@dataobject("tests.pydantic_models")
class Mood(enum.Enum):
    GLAD = 1
    SAD = 2


@dataobject("tests.pydantic_models")
class Leaf(DataObjectBase):
    text: str


@dataobject("tests.pydantic_models")
class Tree(DataObjectBase):
    leaf: Leaf
    leaves: list[Leaf]
    trees: list[Tree]
    number: int
    share: float | None
    data: bytes
    mood: Mood
    when: datetime
    names: dict[str, int]
    more: JsonDict
    choice: int | Leaf


EVERYTHING = {
    "leaf": {"text": "a"},
    "leaves": [{"text": "b"}],
    "trees": [{"trees": [{"number": 2}]}],
    "number": 1,
    "share": 0.5,
    "data": "aGk=",
    "mood": "SAD",
    "when": "2024-01-02T03:04:05Z",
    "names": {"x": 1},
    "more": {"any": [1, None]},
    "choice": {"text": "c"},
}


def test_there_and_back():
    model = http_server.dataobject_to_pydantic(Tree)
    tree = http_server.pydantic_to_dataobject(model(**EVERYTHING))
    assert isinstance(tree, Tree)
    assert tree.to_binary_buffer() == Tree.from_json(EVERYTHING).to_binary_buffer()
    assert (tree.data, tree.mood, tree.choice.text, tree.trees[0].trees[0].number) == (
        b"hi",
        Mood.SAD,
        "c",
        2,
    )


def test_the_model_of_a_class_is_always_the_same():
    model = http_server.dataobject_to_pydantic(Tree)
    assert http_server.dataobject_to_pydantic(Tree) is model
    assert type(model(leaf={"text": "a"}).leaf) is http_server.dataobject_to_pydantic(Leaf)
    assert list(model.model_fields) == list(EVERYTHING)
    assert http_server.pydantic_to_dataobject(model()).to_dict() == Tree().to_dict()


@pytest.mark.parametrize("wrong", [{"number": "x"}, {"mood": "ANGRY"}, {"data": "?"}, {"unknown": 1}])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(pydantic.ValidationError):
        http_server.dataobject_to_pydantic(Tree)(**wrong)


def test_other_models_stand_for_no_data_object():
    with pytest.raises(TypeError, match="expected a model of a data object, got int"):
        http_server.pydantic_to_dataobject(5)
