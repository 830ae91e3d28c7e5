"""How the reference shows data objects, tasks and special methods: a griffe extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import griffe


class Declarations(griffe.Extension):
    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        classes = list(walk(pkg))
        for each in classes:
            if decorator := find_decorator(each, "task"):
                show_task(each, decorator)
            if find_decorator(each, "dataobject"):
                show_fields_as_parameters(each)
        for each in classes:
            for name in unremarkable(each):
                each.del_member(name)


def walk(parent: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    for member in list(parent.members.values()):
        if not member.is_alias and (member.is_class or member.is_module):
            if member.is_class:
                yield member
            yield from walk(member)


def find_decorator(cls: griffe.Class, name: str) -> griffe.Decorator | None:
    return next((each for each in cls.decorators if each.callable_path.split(".")[-1] == name), None)


def show_task(cls: griffe.Class, decorator: griffe.Decorator) -> None:
    """What a task asks for and answers stands in its decorator."""
    if not isinstance(decorator.value, griffe.ExprCall):
        return
    lines = "\n".join(f"    {each}," for each in decorator.value.arguments)
    summary = cls.docstring.value if cls.docstring else ""
    cls.docstring = griffe.Docstring(f"{summary}\n\n```python\n@task(\n{lines}\n)\n```", parent=cls)


def show_fields_as_parameters(cls: griffe.Class) -> None:
    fields: dict[str, griffe.Attribute] = {}
    for each in [*reversed(cls.mro()), cls]:
        fields |= fields_of(each)
    if not fields or "__init__" in cls.members:
        return
    parameters = [
        griffe.Parameter(
            name,
            annotation=without_numbers(field.annotation),
            kind=griffe.ParameterKind.positional_or_keyword,
            default=default_of(field),
        )
        for name, field in fields.items()
    ]
    cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters)))


def fields_of(cls: griffe.Class) -> dict[str, griffe.Attribute]:
    if not find_decorator(cls, "dataobject"):
        return {}
    return {
        name: member
        for name, member in cls.members.items()
        if member.is_attribute and member.annotation is not None and "property" not in member.labels
    }


def default_of(field: griffe.Attribute) -> str:
    """Each parameter may be left out."""
    text = "None" if field.value is None else str(field.value)
    if factory := re.fullmatch(r"field\(default_factory=(\w+)\)", text):
        return {"list": "[]", "dict": "{}"}.get(factory[1], f"{factory[1]}()")
    return text


def without_numbers(annotation: Any) -> Any:
    """`Annotated[str, FieldNumber(1)]` -> `str`: the numbers are for the wire."""
    match annotation:
        case griffe.ExprSubscript(slice=griffe.ExprTuple(elements=[first, *_])) if (
            str(annotation.left) == "Annotated"
        ):
            return without_numbers(first)
        case griffe.ExprBinOp():
            left, right = without_numbers(annotation.left), without_numbers(annotation.right)
            return replace(annotation, left=left, right=right)
    return annotation


def unremarkable(cls: griffe.Class) -> list[str]:
    """Fields that stand in the constructor, and special methods about which nothing is said."""
    names = [name for name in cls.members if name.startswith("__") and name != "__init__"]
    if "__init__" in cls.members:
        names += fields_of(cls)
    return [name for name in names if not cls.members[name].has_docstring]
