"""Objects that change after they were made: every representation follows."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from dm_classes import Made, instances, made_classes
from dm_json import json_default
from dm_oracle import dictionary, read, reference, same, stable, view
from dm_settings import SECONDS, examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

pytestmark = pytest.mark.timeout(SECONDS)


class Changes(RuleBasedStateMachine):
    """Sets attributes of one object and keeps account of them."""

    @initialize(data=st.data())
    def make(self, data: Any) -> None:
        self.made: Made = data.draw(made_classes(max_fields=4).filter(lambda made: made.fields), "class")
        self.value = data.draw(instances(self.made), "value")
        self.expected = self.value.to_kwargs()
        self.members = {
            name: self.value.which_oneof(name) for name, plan in self.made.fields.items() if plan.members
        }

    def draw_field(self, data: Any, union: bool) -> Any:
        plans = [plan for plan in self.made.fields.values() if bool(plan.members) is union]
        return data.draw(st.sampled_from(plans), "field")

    def has(self, union: bool) -> bool:
        return any(bool(plan.members) is union for plan in self.made.fields.values())

    @precondition(lambda self: self.has(union=False))
    @rule(data=st.data())
    def set_field(self, data: Any) -> None:
        plan = self.draw_field(data, union=False)
        before, old = copy.copy(self.value), self.expected[plan.name]
        new = self.expected[plan.name] = data.draw(st.none() | plan.values, "new value")
        setattr(self.value, plan.name, new)
        assert (before == self.value) is (old is new or old == new)

    @precondition(lambda self: self.has(union=True))
    @rule(data=st.data())
    def set_member(self, data: Any) -> None:
        plan = self.draw_field(data, union=True)
        member = data.draw(st.sampled_from(sorted(plan.members)), "member")
        value = data.draw(plan.members[member].values, "new value")
        setattr(self.value, member, value)
        self.expected[plan.name], self.members[plan.name] = value, member

    @precondition(lambda self: self.has(union=True))
    @rule(data=st.data())
    def clear_member(self, data: Any) -> None:
        plan = self.draw_field(data, union=True)
        setattr(self.value, data.draw(st.sampled_from([plan.name, *sorted(plan.members)]), "name"), None)
        self.expected[plan.name] = self.members[plan.name] = None

    @precondition(lambda self: self.has(union=True))
    @rule(data=st.data())
    def set_union(self, data: Any) -> None:
        plan = self.draw_field(data, union=True)
        member = data.draw(st.sampled_from(sorted(plan.members)), "member that it is meant for")
        value = data.draw(plan.members[member].values, "new value")
        setattr(self.value, plan.name, value)
        inferred = self.value.which_oneof(plan.name)
        assert inferred in plan.members
        if self.is_out_of_range():
            # A number is first of all an int64, then an uint64: the first member of its kind must hold it.
            with pytest.raises(ValueError, match="out of range"):
                self.value.to_proto()
            setattr(self.value, member, value)
            inferred = member
        self.expected[plan.name], self.members[plan.name] = value, inferred

    def is_out_of_range(self) -> bool:
        try:
            reference(self.value)
        except ValueError as error:
            return "out of range" in str(error)
        return False

    @rule(data=st.data())
    def change_list_in_place(self, data: Any) -> None:
        plans = [
            plan
            for plan in self.made.fields.values()
            if not plan.members and isinstance(self.expected[plan.name], list)
        ]
        if plans:
            plan = data.draw(st.sampled_from(plans), "field")
            self.expected[plan.name].extend(data.draw(plan.values, "more"))

    @rule(how=st.sampled_from(["copy", "deepcopy", "keywords"]))
    def take_a_copy(self, how: str) -> None:
        if how == "keywords":
            given = {self.members.get(name) or name: value for name, value in self.expected.items()}
            self.value = type(self.value)(
                **{name: value for name, value in given.items() if value is not None}
            )
            made = self.value.to_kwargs()
            for name, value in self.expected.items():
                if value is None and made[name] is not None:  # the default
                    setattr(self.value, name, None)
        else:
            self.value = getattr(copy, how)(self.value)
        self.expected = self.value.to_kwargs()

    @rule()
    def go_over_the_wire(self) -> None:
        self.value = type(self.value).from_binary_buffer(self.value.to_binary_buffer())
        self.expected = self.value.to_kwargs()
        # Where the class has a default, nothing became that default.
        for name in self.members:
            found = self.value.which_oneof(name)
            assert found == self.members[name] or self.members[name] is None
            self.members[name] = found

    @invariant()
    def attributes_are_what_was_set(self) -> None:
        for name, value in self.expected.items():
            assert getattr(self.value, name) is value
            if name in self.members:
                active = self.members[name]
                assert self.value.which_oneof(name) == active
                for member in self.made.fields[name].members:
                    assert getattr(self.value, member) is (value if member == active else None)

    @invariant()
    def representations_agree(self) -> None:
        cls = type(self.value)
        expected = reference(self.value)
        assert stable(self.value.to_proto()) == stable(expected)
        assert same(view(cls.from_binary_buffer(self.value.to_binary_buffer())), read(cls, expected))
        content = dictionary(self.value)
        assert same(self.value.to_dict(), content)
        assert self.value.to_json() == json.dumps(content, default=json_default)
        again = cls.from_json(self.value.to_json())
        assert stable(again.to_proto()) == stable(cls.from_proto(expected).to_proto())


TestChanges = Changes.TestCase
TestChanges.settings = examples(15, stateful_step_count=8)
