"""Objects that take their fields from a dictionary when they are read: the same as objects that hold them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from dm_classes import Case, cases
from dm_oracle import dictionary, mentions, reference, same, stable, view
from dm_settings import SECONDS, examples
from hypothesis import assume, given

from caikit.core.data_model.data_backends import DictBackend

pytestmark = pytest.mark.timeout(SECONDS)


class Forgetful(DictBackend):
    """Is asked again at every access."""

    def cache_attribute(self, name: str, value: Any) -> bool:
        return False


def raw(value: Any) -> Any:
    """The dictionaries behind an object; unions are named by their members."""
    if isinstance(value, list):
        return [raw(item) for item in value]
    if isinstance(value, dict):
        return {key: raw(item) for key, item in value.items()}
    if not hasattr(value, "to_kwargs"):
        return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value
    made = {}
    for name, item in value.to_kwargs().items():
        union = name not in type(value).get_proto_class().DESCRIPTOR.fields_by_name
        key = value.which_oneof(name) if union else name
        if item is not None:
            made[key] = raw(item)
    return made


@pytest.mark.parametrize("backend", [DictBackend, Forgetful])
@given(case=cases())
@examples(40)
def test_objects_over_dictionaries(backend: Any, case: Case) -> None:
    cls = case.made.cls
    assume(
        not mentions(cls.get_proto_class().DESCRIPTOR, "google.protobuf.Any")
    )  # what type has a dictionary?
    for value in case.values:
        expected = reference(value)
        content = raw(value)

        def make(content: Any = content) -> Any:
            return cls.from_backend(backend(content))

        assert stable(make().to_proto()) == stable(expected)
        assert same(make().to_dict(), dictionary(value))
        assert make().to_json() == value.to_json()
        assert same(view(make(), loose=True), view(value, loose=True))
        once = make()
        for _ in range(2):
            assert stable(once.to_proto()) == stable(expected)
            assert once.to_json() == value.to_json()
        for name, plan in case.made.fields.items():
            if plan.members:
                assert make().which_oneof(name) == value.which_oneof(name)
                for member in plan.members:
                    found, wanted = getattr(make(), member), getattr(value, member)
                    assert (found is None) is (wanted is None)
