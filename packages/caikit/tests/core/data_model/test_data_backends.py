# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035
"""Objects over backends."""

from typing import Annotated, Dict, List, Union

import pytest

from caikit.core.data_model import DataObjectBase, OneofField, dataobject
from caikit.core.data_model.data_backends import DataModelBackendBase, DictBackend

PACKAGE = "tests.data_backends"


@dataobject(PACKAGE)
class ThingOne(DataObjectBase):
    foo: int
    bar: str


@dataobject(PACKAGE)
class ThingTwo(DataObjectBase):
    thing: ThingOne
    things: List[ThingOne]
    named: Dict[str, ThingOne]
    choice: Union[int, str]
    either: Union[Annotated[ThingOne, OneofField("one")], Annotated[int, OneofField("number")]]


class Counting(DataModelBackendBase):
    def __init__(self, cache):
        self.reads = 0
        self.cache = cache

    def get_attribute(self, data_model_class, name):
        self.reads += 1
        return 5

    def cache_attribute(self, name, value):
        return self.cache


@pytest.mark.parametrize(("cache", "reads"), [(True, 1), (False, 3)])
def test_values_are_fetched_on_access(cache, reads):
    backend = Counting(cache)
    thing = ThingOne.from_backend(backend)
    assert backend.reads == 0
    assert thing.backend is backend
    assert [thing.foo for _ in range(3)] == [5, 5, 5]
    assert backend.reads == reads
    assert ThingOne(1).backend is None


def test_dict_backend():
    data = {
        "thing": {"foo": 1},
        "things": [{"foo": 2}, {"foo": 3}],
        "named": {"a": {"foo": 4}},
        "choice": "x",
        "one": {"foo": 5},
    }
    two = ThingTwo.from_backend(DictBackend(data))
    assert (two.thing.foo, two.thing.bar) == (1, None)
    assert [thing.foo for thing in two.things] == [2, 3]
    assert two.named["a"].foo == 4
    assert two.choice_str == "x"
    assert two.one.foo == 5
    assert two.which_oneof("either") == "one"
    assert two.to_json() == (
        '{"thing": {"foo": 1, "bar": null}, "things": [{"foo": 2, "bar": null}, {"foo": 3, "bar": null}], '
        '"named": {"a": {"foo": 4, "bar": null}}, "choice_str": "x", "one": {"foo": 5, "bar": null}}'
    )
    assert ThingTwo.from_proto(two.to_proto()).things[1].foo == 3


def test_errors():
    with pytest.raises(TypeError):
        DictBackend([])
    with pytest.raises(AttributeError, match=r"No such attribute \[baz\] on \[ThingOne\]"):
        DictBackend({}).get_attribute(ThingOne, "baz")
    with pytest.raises(TypeError):
        _ = ThingTwo.from_backend(DictBackend({"thing": 1})).thing
