"""Random fields: the text of their annotations, and what it should become."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from dm_kinds import KINDS, NO_DEFAULT, Kind
from dm_values import KEYS, SCALARS
from hypothesis import strategies as st

# Short names, names in both spellings, and names that careless generated code would use itself.
FIELD_NAMES = [
    *("a", "b", "x1", "a_b", "a__c", "long_field_name", "camelCase", "Upper", "ALL_CAPS", "tail_", "n_1"),
    *("value", "values", "self", "proto", "data", "text", "item", "key", "found", "member", "left", "get"),
    *("cls", "given", "made", "entries", "add", "inner", "which", "name", "type", "id", "fields", "t0", "v0"),
    *("dict", "list", "str", "int", "len", "object", "full_name", "message", "string", "args", "kwargs"),
]


def wire_key(name: str) -> str:
    """Fields of one message must differ in this."""
    return name.replace("_", "").lower()


class FieldPlan:
    """One line of a class body, and what it should become."""

    def __init__(self, name: str, shape: str) -> None:
        self.name = name
        self.shape = shape
        """single, list, map or union"""
        self.text = ""
        self.values: st.SearchStrategy | None = None
        self.kind = ""
        """The text of the annotation for one value."""
        self.key = ""
        self.number: int | None = None
        self.is_optional = False
        self.members: dict[str, MemberPlan] = {}
        self.default: Any = NO_DEFAULT
        self.factory: Any = None

    def __repr__(self) -> str:
        return f"{self.name}: {self.text}"

    @property
    def wire_names(self) -> list[str]:
        return [self.name, *self.members]

    @property
    def numbers(self) -> list[int]:
        found = [self.number, *(member.number for member in self.members.values())]
        return [number for number in found if number is not None]

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT


class MemberPlan:
    """One choice of a union."""

    def __init__(self, kind: Kind, many: bool, number: int | None) -> None:
        self.kind = kind.text
        self.many = many
        self.number = number
        self.values = st.lists(kind.values, max_size=3) if many else kind.values

    def __repr__(self) -> str:
        return f"list[{self.kind}]" if self.many else self.kind


field_numbers = st.integers(100, 18_999) | st.integers(20_000, 2**29 - 1)


def _optional(draw: Any, text: str) -> str:
    return draw(st.sampled_from([f"Optional[{text}]", f"{text} | None", f"Union[{text}, None]"]))


def _list_of(draw: Any, text: str) -> str:
    inner = draw(st.sampled_from([text, text, text, f"Optional[{text}]"]))
    return draw(st.sampled_from(["list[{}]", "List[{}]"])).format(inner)


@st.composite
def field_plans(draw: Any, name: str, extra: tuple[Kind, ...]) -> FieldPlan:
    shape = draw(st.sampled_from(["single", "single", "single", "list", "list", "map", "union", "union"]))
    plan = FieldPlan(name, shape)
    if shape == "union":
        _make_union(draw, plan, extra)
        return plan
    kind = draw(st.sampled_from([*KINDS, *extra]))
    plan.text, plan.values, plan.kind = kind.text, kind.values, kind.text
    if shape == "list":
        plan.text = _list_of(draw, kind.text)
        plan.values = st.lists(kind.values, max_size=3)
    elif shape == "map":
        plan.key = draw(st.sampled_from(sorted(KEYS)))
        plan.text = draw(st.sampled_from(["dict[{}, {}]", "Dict[{}, {}]"])).format(plan.key, kind.text)
        plan.values = st.dictionaries(KEYS[plan.key], kind.values, max_size=3)
    form = draw(st.sampled_from(["plain", "plain", "optional", "numbered", "optional in numbered"]))
    if "optional" in form:
        plan.text = _optional(draw, plan.text)
        plan.is_optional = form == "optional"
    if "numbered" in form:
        plan.number = draw(field_numbers)
        plan.text = f"Annotated[{plan.text}, FieldNumber({plan.number})]"
    immutable = shape == "single" and kind.text in IMMUTABLE
    _add_default(draw, plan, plan.values, immutable)
    return plan


IMMUTABLE = (*SCALARS, "Hue", "Size")


def _add_default(draw: Any, plan: FieldPlan, values: st.SearchStrategy, immutable: bool) -> None:
    form = draw(st.sampled_from(["none", "none", "none", "none", "None", "keyword only", "value", "factory"]))
    if form == "None":
        plan.default = None
    elif form == "keyword only":
        plan.default = dataclasses.field(default=None, kw_only=True)
    elif form in ("value", "factory"):
        value = draw(values)
        if form == "value" and immutable and value.__class__ is not list:
            plan.default = value
            return
        plan.factory = lambda: copy.deepcopy(value)
        plan.default = dataclasses.field(default_factory=plan.factory)


def _make_union(draw: Any, plan: FieldPlan, extra: tuple[Kind, ...]) -> None:
    choices = st.tuples(
        st.sampled_from([kind for kind in (*KINDS, *extra) if kind.in_union]),
        st.booleans(),
        st.sampled_from(["", "", "name", "number", "both"]),
    )
    drawn = draw(
        st.lists(choices, min_size=1, max_size=4, unique_by=lambda choice: (choice[0].text, choice[1]))
    )
    texts_of = []
    for position, (kind, many, extras) in enumerate(drawn):
        label = {"JsonDict": "dict"}.get(kind.text, kind.text.split(".")[-1])
        name = f"{plan.name}_{label}{'_sequence' if many else ''}"
        text = _list_of(draw, kind.text) if many else kind.text
        metadata = []
        if extras in ("name", "both") or len(drawn) == 1:
            name = f"{plan.name}_M{position}"
            metadata.append(f"OneofField('{name}')")
        number = draw(field_numbers) if extras in ("number", "both") else None
        if number is not None:
            metadata.append(f"FieldNumber({number})")
        if metadata:
            text = f"Annotated[{text}, {', '.join(metadata)}]"
        texts_of.append(text)
        plan.members[name.lower()] = MemberPlan(kind, many, number)
    if len(drawn) == 1:
        plan.text = texts_of[0]  # a union by its name alone
    else:
        # Never Optional[Union[...]]: typing hands out the one that was made first, whatever the order of its members.
        texts_of += draw(st.sampled_from([[], [], ["None"]]))
        plan.text = draw(st.sampled_from([" | ".join(texts_of), f"Union[{', '.join(texts_of)}]"]))
    # A default belongs to the member that it is inferred for: no numbers, which several members may take.
    safe = [member.values for member in plan.members.values() if member.kind in ("str", "bytes", "bool")]
    if safe and not any(member.kind in ENUMS for member in plan.members.values()):
        _add_default(draw, plan, safe[0], True)


ENUMS = ("Hue", "Size", "Speed", "Step", "Shade", "Mark")
