"""The annotations of a function as types: strings resolved, unions in the order in which they were written."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._lookup import find_data_object
from ._syntax import parse_expression, parse_module
from ._unions import NoneType, is_union, members_of, union_of, with_arguments

_OPAQUE_GENERICS = (typing.Annotated, typing.Literal)


@dataclass(frozen=True)
class Hints:
    """Types by parameter name (and `return`); names whose text means nothing yet stand in `unresolved`."""

    types: dict[str, Any] = field(default_factory=dict)
    unresolved: dict[str, str] = field(default_factory=dict)


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it was written: without binding, preset arguments and well-behaved decorators."""
    inner: Any = inspect.unwrap(function)
    if isinstance(inner, functools.partial):
        return plain_function(inner.func)
    if hasattr(inner, "__func__"):
        return plain_function(inner.__func__)
    if not inspect.isroutine(inner) and not inspect.isclass(inner):
        return plain_function(type(inner).__call__)  # an object that can be called
    plain: Callable[..., Any] = inner
    return plain


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def resolve_annotations(function: Callable[..., Any], local_names: Mapping[str, Any]) -> Hints:
    """Resolve each annotation by itself, so that one unknown name does not spoil the others."""
    annotations = _annotations_of(function)
    function = plain_function(function)
    scope = _Scope(getattr(function, "__globals__", {}), dict(local_names))
    hints = Hints()
    written = _Source(function)
    for name, annotation in annotations.items():
        try:
            hint = scope.evaluate(annotation)
        except Exception:  # the text of an annotation may raise anything
            hints.unresolved[name] = str(annotation)
            continue
        try:
            hint = scope.complete(hint)
        except Exception:  # the type stays as it is, with the names that mean nothing yet
            hints.unresolved[name] = str(annotation)
        if _order_is_doubtful(hint):
            expression = _parse(annotation) if isinstance(annotation, str) else written.expression(name)
            hint = _in_written_order(hint, expression, scope)
        hints.types[name] = hint
    return hints


def _annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """As the signature has them: decorators and preset arguments may have changed it."""
    signature = signature_of(function)
    annotations = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    annotations["return"] = signature.return_annotation
    return {name: hint for name, hint in annotations.items() if hint is not inspect.Signature.empty}


class _Scope:
    """Names that an annotation can see."""

    def __init__(self, global_names: dict[str, Any], local_names: dict[str, Any]) -> None:
        self._global_names = global_names
        self._local_names = local_names

    def resolve(self, annotation: Any) -> Any:
        """The type behind an annotation; raises if part of its text means nothing."""
        return self.complete(self.evaluate(annotation))

    def evaluate(self, annotation: Any) -> Any:
        """The object that the text of an annotation names."""
        while isinstance(annotation, str):
            annotation = self._evaluate_text(annotation.strip())
        return NoneType if annotation is None else annotation

    def complete(self, hint: Any) -> Any:
        """The type with the names resolved that stand as text in its arguments."""
        if isinstance(hint, typing.ForwardRef):
            # One that knows its module is part of somebody else's alias, which stays as it is.
            bound = getattr(hint, "__forward_module__", None) is not None
            return hint if bound else self.resolve(hint.__forward_arg__)
        if typing.get_origin(hint) is typing.Literal:
            return hint
        arguments = typing.get_args(hint)
        if typing.get_origin(hint) is typing.Annotated:
            arguments = arguments[:1]
        completed = tuple(map(self._complete_argument, arguments))
        # Aliases are recognised by identity, so what is complete is not rebuilt.
        if all(new is old for new, old in zip(completed, arguments, strict=True)):
            return hint
        return with_arguments(hint, completed)

    def _complete_argument(self, argument: Any) -> Any:
        return self.resolve(argument) if isinstance(argument, str) else self.complete(argument)

    def _evaluate_text(self, text: str) -> Any:
        while True:
            try:
                # The text is source code of the module that is being loaded.
                return eval(text, self._global_names, self._local_names)  # noqa: S307
            except NameError as error:
                name = error.name or ""
                found = find_data_object(name)
                if found is None or name in self._local_names:
                    raise
                self._local_names[name] = found

    def named(self, expression: ast.expr) -> Any:
        """The object behind a plain or dotted name."""
        if isinstance(expression, ast.Attribute):
            return getattr(self.named(expression.value), expression.attr)
        if not isinstance(expression, ast.Name):
            raise TypeError(f"{ast.unparse(expression)} is not a name")
        for names in (self._local_names, self._global_names, vars(builtins)):
            if expression.id in names:
                return names[expression.id]
        raise NameError(expression.id)


class _Source:
    """Annotation expressions of a function as they stand in its source file, read when first asked for."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._expressions: dict[str, ast.expr] | None = None

    def expression(self, name: str) -> ast.expr | None:
        if self._expressions is None:
            self._expressions = self._read()
        return self._expressions.get(name)

    def _read(self) -> dict[str, ast.expr]:
        try:
            tree = parse_module(textwrap.dedent(inspect.getsource(self._function)))
        except (OSError, TypeError, SyntaxError):
            return {}
        definition = next(
            (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)), None
        )
        if definition is None:
            return {}
        arguments = definition.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        expressions = {argument.arg: argument.annotation for argument in every if argument.annotation}
        if definition.returns:
            expressions["return"] = definition.returns
        return expressions


def _order_is_doubtful(hint: Any, nested: bool = False) -> bool:
    """`typing` caches generics by equality, and unions are equal in any order: `Optional[Union[int, str]]`
    is whichever order was written first anywhere in the process."""
    if is_union(hint):
        members = members_of(hint)
        several = len([member for member in members if member is not NoneType]) > 1
        if several and (nested or NoneType in members):
            return True
    return any(_order_is_doubtful(argument, True) for argument in typing.get_args(hint))


def _in_written_order(hint: Any, expression: ast.expr | None, scope: _Scope) -> Any:
    if expression is None:
        return hint
    with contextlib.suppress(Exception):  # whatever cannot be rebuilt stays as `typing` made it
        rebuilt = _build(expression, scope)
        if rebuilt == hint:
            return rebuilt
    return hint


def _parse(text: str) -> ast.expr | None:
    try:
        return parse_expression(text.strip())
    except SyntaxError:
        return None


def _build(expression: ast.expr, scope: _Scope) -> Any:
    match expression:
        case ast.Constant(value=str(text)):
            return _build(parse_expression(text.strip()), scope)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return union_of((_build(left, scope), _build(right, scope)))
        case ast.Subscript(value=value, slice=arguments):
            return _build_generic(expression, scope.named(value), arguments, scope)
        case _:
            return scope.resolve(ast.unparse(expression))


def _build_generic(expression: ast.expr, generic: Any, arguments: ast.expr, scope: _Scope) -> Any:
    if generic in _OPAQUE_GENERICS:
        return scope.resolve(ast.unparse(expression))
    items = arguments.elts if isinstance(arguments, ast.Tuple) else [arguments]
    built = tuple(_build(item, scope) for item in items)
    if generic is typing.Union:
        return union_of(built)
    if generic is typing.Optional:
        return union_of((*built, NoneType))
    return with_arguments(scope.resolve(ast.unparse(expression)), built)
