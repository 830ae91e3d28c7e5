"""Random data object classes, and random instances of them."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Mapping
from typing import Any

from dm_fields import FIELD_NAMES, FieldPlan, field_plans, wire_key
from dm_kinds import NAMES, PACKAGE, Kind
from hypothesis import strategies as st

from caikit.core.data_model.dataobject import make_dataobject

_numbers = itertools.count()
_modules: dict[str, types.ModuleType] = {}


class Made:
    """A class that exists, with what its instances may hold."""

    def __init__(
        self, cls: Any, fields: dict[str, FieldPlan], source: str, known: Mapping[str, Any], hooks: set[str]
    ) -> None:
        self.cls = cls
        self.hooks = hooks
        self.known = known
        """Random classes that this one refers to."""
        self.fields = fields
        self.source = source
        self.instances = instances(self)

    def __repr__(self) -> str:
        return self.cls.__name__


def _distinct(plans: list[FieldPlan], inherited: Mapping[str, FieldPlan]) -> list[FieldPlan]:
    """Without fields whose names on the wire, or numbers, exist already; inherited ones may be declared again."""
    kept: dict[str, FieldPlan] = dict(inherited)
    made = []
    for plan in plans:
        others = [other for other in kept.values() if other.name != plan.name]
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


HOOKS = {
    "__post_init__": """
    def __post_init__(self):
        pass
""",
    "fill_proto": """
    def fill_proto(self, proto):
        return super().fill_proto(proto)
""",
    "from_proto": """
    @classmethod
    def from_proto(cls, proto):
        return super().from_proto(proto)
""",
    "to_dict": """
    def to_dict(self):
        return super().to_dict()
""",
    "to_json": """
    def to_json(self, **kwargs):
        return super().to_json(**kwargs)
""",
    "from_json": """
    @classmethod
    def from_json(cls, json_str, ignore_unknown_fields=False):
        return super().from_json(json_str, ignore_unknown_fields)
""",
}
"""Methods that users write by hand; generated code has to call them."""


def build(
    name: str,
    plans: list[FieldPlan],
    how: str,
    parent: Made | None,
    known: Mapping[str, Any],
    hooks: list[str],
) -> Made:
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
        stacked = "@dataclasses.dataclass\n" if how == "stacked" else ""
        base = "DataObjectBase" if parent is None else parent.cls.__name__
        source = (
            f"{future}@dataobject({PACKAGE!r}, name={message!r})\n{stacked}class {name}({base}):\n{body}\n"
        )
        source += "".join(HOOKS[hook] for hook in hooks)
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
    known = {**(parent.known if parent else {}), **known}
    return Made(cls, fields, source, known, {*hooks, *(parent.hooks if parent else ())})


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
    plans = _distinct([draw(field_plans(name, extra)) for name in names], parent.fields if parent else {})
    how = draw(st.sampled_from(["make_dataobject", "decorator", "strings", "stacked"]))
    if how == "make_dataobject" and parent is not None:
        how = "decorator"
    hooks: list[str] = []
    if how != "make_dataobject" and draw(st.integers(0, 3)) == 0:
        hooks = draw(st.lists(st.sampled_from(sorted(HOOKS)), min_size=1, max_size=3, unique=True))
    if "Inner" in name and "from_json" in hooks:
        hooks.remove("from_json")  # it reads requests as from_json does, with zeros for what is not there
    inherited = list(parent.fields.values()) if parent is not None else []
    if how == "stacked" and any(plan.has_default for plan in (*plans, *inherited)):
        how = "decorator"  # dataclasses want defaults last
    if how == "decorator" and any(name in ("dict", "list", "str", "int") for name in names):
        how = "strings"  # a default would hide the type in the lines that follow
    made = build(name, plans, how, parent, known, hooks)
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
