"""Random data object classes, and random instances of them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import itertools
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from dm_values import KEYS, SCALARS, datetimes, integers, json_dicts, texts
from google.protobuf import struct_pb2, timestamp_pb2
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_properties"
NO_DEFAULT = object()


# -- classes that random ones refer to ------------------------------------------------------------------------


@dataobject(PACKAGE)
class Hue(enum.Enum):
    NONE = 0
    RED = 1
    BLUE = 2


@dataobject(PACKAGE)
class Size(enum.Enum):
    SMALL = 1
    LARGE = 2**31 - 1
    NEGATIVE = -(2**31)


@dataobject(f"{PACKAGE}.aliases")
class Speed(enum.Enum):
    FAST = 3
    QUICK = 3  # noqa: PIE796 - an alias
    STILL = 0
    HALT = 0  # noqa: PIE796 - an alias
    SLOW = 1


@dataobject(f"{PACKAGE}.whole")
class Step(enum.IntEnum):
    UP = 1
    DOWN = -1


class Shade(enum.Enum):
    LIGHT = 1
    DARK = 2


class Mark(enum.Enum):
    UNMARKED = 0
    MARKED = 7


@dataclass
class Spot:
    x: int
    y: float = 0.5
    words: list[str] = field(default_factory=list)


@dataobject(PACKAGE)
class Nothing(DataObjectBase):
    """No fields at all."""


@dataobject(PACKAGE)
class Pair(DataObjectBase):
    left: int
    right: str | None


@dataobject(PACKAGE)
class Choice(DataObjectBase):
    pick: int | str | list[float]
    when: datetime.datetime


@dataobject(PACKAGE)
class Node(DataObjectBase):
    label: str
    children: list[Node]
    next: Node | None


@dataobject(f"{PACKAGE}.plural")
class WordSequence(DataObjectBase):
    values: list[str]


NAMES: dict[str, Any] = {
    "Annotated": typing.Annotated,
    "Any": typing.Any,
    "DataObjectBase": DataObjectBase,
    "Dict": typing.Dict,  # noqa: UP006 - what users write
    "FieldNumber": FieldNumber,
    "JsonDict": JsonDict,
    "List": typing.List,  # noqa: UP006 - what users write
    "Literal": typing.Literal,
    "OneofField": OneofField,
    "Optional": typing.Optional,
    "Union": typing.Union,
    "dataclasses": dataclasses,
    "dataobject": dataobject,
    "datetime": datetime,
    "np": np,
    "struct_pb2": struct_pb2,
    "timestamp_pb2": timestamp_pb2,
    **{
        cls.__name__: cls
        for cls in (Hue, Size, Speed, Step, Shade, Mark, Spot, Nothing, Pair, Choice, Node, WordSequence)
    },
}

pairs = st.builds(Pair, integers("int") | st.none(), texts | st.none())
choices = st.builds(
    Choice,
    st.none() | integers("int") | texts | st.lists(SCALARS["float"], max_size=2),
    st.none() | datetimes,
)
nodes = st.recursive(
    st.builds(Node, texts),
    lambda inner: st.builds(Node, texts, st.lists(inner, max_size=2), st.none() | inner),
    max_leaves=4,
)
word_sequences = st.builds(WordSequence, st.lists(texts, max_size=2))
spots = st.builds(Spot, integers("int"), SCALARS["float"], st.lists(texts, max_size=2))


def members(cls: type[enum.Enum]) -> st.SearchStrategy:
    """Members, and their numbers."""
    return st.sampled_from([*cls, *(member.value for member in cls)])


@dataclass(frozen=True)
class Kind:
    """An annotation for one value, and the values."""

    text: str
    values: st.SearchStrategy
    in_union: bool = True

    def __repr__(self) -> str:
        return self.text


KINDS = [
    *(Kind(text, values) for text, values in SCALARS.items()),
    Kind("datetime.datetime", datetimes),
    Kind("JsonDict", json_dicts),
    Kind("Any", pairs | choices | st.builds(Nothing), in_union=False),
    Kind("Literal['a', 'é']", st.sampled_from(["a", "é"]), in_union=False),
    Kind("Literal[1, -2]", st.sampled_from([1, -2]), in_union=False),
    Kind("struct_pb2.Struct", json_dicts, in_union=False),
    Kind("timestamp_pb2.Timestamp", datetimes, in_union=False),
    Kind("Hue", members(Hue)),
    Kind("Size", members(Size)),
    Kind("Speed", members(Speed)),
    Kind("Step", members(Step)),
    Kind("Shade", members(Shade)),
    Kind("Mark", members(Mark)),
    Kind("Spot", spots),
    Kind("Nothing", st.builds(Nothing)),
    Kind("Pair", pairs),
    Kind("Choice", choices),
    Kind("Node", nodes),
    Kind("WordSequence", word_sequences),
]
BY_TEXT = {kind.text: kind for kind in KINDS}


# -- fields ---------------------------------------------------------------------------------------------------

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
    form = draw(st.sampled_from(["none", "none", "none", "None", "value", "factory"]))
    if form == "None":
        plan.default = None
    elif form == "value" and immutable:
        plan.default = draw(values)
    elif form in ("value", "factory"):
        value = draw(values)
        plan.factory = lambda: value
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
    first = next(iter(plan.members.values()))
    _add_default(draw, plan, first.values, not first.many and first.kind in IMMUTABLE)


# -- classes --------------------------------------------------------------------------------------------------

_numbers = itertools.count()
_modules: dict[str, types.ModuleType] = {}


class Made:
    """A class that exists, with what its instances may hold."""

    def __init__(self, cls: Any, fields: dict[str, FieldPlan], source: str, known: Mapping[str, Any]) -> None:
        self.cls = cls
        self.known = known
        """Random classes that this one refers to."""
        self.fields = fields
        self.source = source
        self.instances = instances(self)

    def __repr__(self) -> str:
        return self.cls.__name__


def _distinct(plans: list[FieldPlan], inherited: Mapping[str, FieldPlan], parent: bool) -> list[FieldPlan]:
    """Without fields whose names on the wire, or numbers, exist already; inherited ones may be declared again."""
    kept: dict[str, FieldPlan] = dict(inherited)
    made = []
    for plan in plans:
        others = [other for other in kept.values() if other.name != plan.name]
        if "Spot" in plan.text and (parent or any("Spot" in other.text for other in others)):
            continue
        if "Spot" in plan.text and any(member.many for member in plan.members.values()):
            continue
        keys = [wire_key(name) for name in plan.wire_names]
        taken = {wire_key(name) for other in others for name in other.wire_names}
        numbers = {number for other in others for number in other.numbers}
        alone = len(set(keys)) == len(keys) and len(set(plan.numbers)) == len(plan.numbers)
        if alone and taken.isdisjoint(keys) and numbers.isdisjoint(plan.numbers):
            kept[plan.name] = plan
            made.append(plan)
    return made


def _body(plans: list[FieldPlan]) -> tuple[str, dict[str, Any]]:
    lines, defaults = [], {}
    for plan in plans:
        line = f"    {plan.name}: {plan.text}"
        if plan.has_default:
            defaults[f"default_{plan.name}"] = plan.default
            line += f" = default_{plan.name}"
        lines.append(line)
    return "\n".join(lines) or "    pass", defaults


def _shown(plans: list[FieldPlan]) -> str:
    defaults = [
        f"# default_{plan.name} = {'factory of ' + repr(plan.factory()) if plan.factory else repr(plan.default)}"
        for plan in plans
        if plan.has_default
    ]
    return "\n".join(defaults)


def build(name: str, plans: list[FieldPlan], how: str, parent: Made | None, known: Mapping[str, Any]) -> Made:
    """Make the class, the way that users do; its message gets a name that no other has."""
    message = f"Message{next(_numbers)}"
    body, defaults = _body(plans)
    names = {**NAMES, **known}
    if how == "make_dataobject":
        annotations = {plan.name: eval(plan.text, {}, names) for plan in plans}
        attrs = {plan.name: plan.default for plan in plans if plan.has_default}
        cls: Any = make_dataobject(
            name=name, annotations=annotations, attrs=attrs, proto_name=message, package=PACKAGE
        )
        source = f"# by make_dataobject\nclass {name}:\n{body}\n{_shown(plans)}"
    else:
        future = "from __future__ import annotations\n" if how == "strings" else ""
        base = "DataObjectBase" if parent is None else parent.cls.__name__
        source = f"{future}@dataobject({PACKAGE!r}, name={message!r})\nclass {name}({base}):\n{body}\n"
        module = types.ModuleType(f"dm_made_{message}")
        vars(module).update(names)
        vars(module).update(defaults)
        if parent is not None:
            vars(module)[base] = parent.cls
        sys.modules[module.__name__] = module
        try:
            exec(compile(source, f"<{name}>", "exec", dont_inherit=True), vars(module))
        finally:
            del sys.modules[module.__name__]
        _modules[message] = module
        cls = vars(module)[name]
        source = f"{source}{_shown(plans)}"
        if parent is not None:
            source = f"{parent.source}\n{source}"
    fields = {**(parent.fields if parent else {}), **{plan.name: plan for plan in plans}}
    return Made(cls, fields, source, {**(parent.known if parent else {}), **known})


@st.composite
def made_classes(draw: Any, name: str = "Made", depth: int = 1, max_fields: int = 5) -> Made:
    """A random class; some of its fields hold instances of other random classes."""
    extra: tuple[Kind, ...] = ()
    known: dict[str, Any] = {}
    shown = ""
    if depth and draw(st.booleans()):
        inner = draw(made_classes(name=f"{name}Inner", depth=depth - 1, max_fields=3))
        # Likely to be used, whatever else there is.
        extra = (Kind(inner.cls.__name__, inner.instances),) * 8
        known[inner.cls.__name__] = inner.cls
        shown = inner.source + "\n"
    parent = None
    if depth and draw(st.integers(0, 4)) == 0:
        parent = draw(made_classes(name=f"{name}Parent", depth=0, max_fields=3))
    names = draw(st.lists(st.sampled_from(FIELD_NAMES), max_size=max_fields, unique=True))
    if parent is not None and parent.fields and draw(st.booleans()):
        names = list(dict.fromkeys([draw(st.sampled_from(sorted(parent.fields))), *names]))
    plans = _distinct(
        [draw(field_plans(name, extra)) for name in names], parent.fields if parent else {}, not depth
    )
    how = draw(st.sampled_from(["make_dataobject", "decorator", "strings"]))
    if how == "make_dataobject" and parent is not None:
        how = "decorator"
    if how == "decorator" and any(name in ("dict", "list", "str", "int") for name in names):
        how = "strings"  # a default would hide the type in the lines that follow
    made = build(name, plans, how, parent, known)
    made.source = shown + made.source
    return made


# -- instances ------------------------------------------------------------------------------------------------


@st.composite
def arguments(draw: Any, made: Made) -> dict[str, Any]:
    """Keywords of the constructor: unions by the name of a member."""
    given = {}
    for name, plan in made.fields.items():
        if draw(st.integers(0, 5)) == 0:
            continue
        if plan.members:
            member = draw(st.sampled_from(sorted(plan.members)))
            given[member] = draw(plan.members[member].values)
        else:
            given[name] = draw(plan.values) if draw(st.integers(0, 7)) else None
    return given


@st.composite
def instances(draw: Any, made: Made) -> Any:
    given = draw(arguments(made))
    value = made.cls(**given)
    for name, plan in made.fields.items():
        active = [member for member in plan.members if member in given]
        if plan.members and (active or not plan.has_default):
            assert value.which_oneof(name) == (active[0] if active else None)
    return value


class Case:
    """A class and instances of it."""

    def __init__(self, made: Made, values: list[Any]) -> None:
        self.made = made
        self.values = values

    def __repr__(self) -> str:
        shown = []
        for value in self.values:
            try:
                shown.append(f"{value.__class__.__name__}(**{value.to_kwargs()!r})")
            except Exception as error:
                shown.append(f"({error!r})")
        return "\n".join(["", self.made.source, *shown])


@st.composite
def cases(draw: Any, count: int = 3, **kwargs: Any) -> Case:
    made = draw(made_classes(**kwargs))
    return Case(made, draw(st.lists(made.instances, min_size=1, max_size=count)))
