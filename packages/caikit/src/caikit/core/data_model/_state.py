"""What the metaclass remembers about a data object class."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._codecs import Codecs
    from ._schema import MessageSchema


class ClassState:
    """One per class; filled by the metaclass, the decorator and the first use."""

    __slots__ = (
        "annotations",
        "codecs",
        "complete",
        "fields",
        "generated",
        "made",
        "namespace",
        "schema",
        "user_names",
    )

    def __init__(
        self,
        annotations: dict[str, Any],
        fields: dict[str, dataclasses.Field[Any]],
        user_names: frozenset[str],
    ) -> None:
        self.annotations = annotations
        self.fields = fields
        self.user_names = user_names
        self.namespace: Mapping[str, Any] = {}
        self.schema: MessageSchema | None = None
        self.complete: Callable[[], None] | None = None
        self.codecs: Codecs | None = None
        self.generated: set[str] = set()
        self.made: set[str] = set()
        """Names of nested data objects that were made for fields."""

    def require_schema(self, cls: type[Any]) -> MessageSchema:
        """The schema of the class or, where it has none of its own, of its nearest parent that has one."""
        for base in cls.__mro__:
            state = own_state(base)
            if state is None:
                continue
            if state.schema is None and state.complete is not None:
                state.complete()
            if state.schema is not None:
                return state.schema
        raise TypeError(f"{cls.__name__} has no message: decorate it with @dataobject")


def own_state(cls: type[Any]) -> ClassState | None:
    """The state of exactly this class, None for classes that are no data objects."""
    state = cls.__dict__.get("_caikit_state")
    return state if isinstance(state, ClassState) else None


def state_of(cls: type[Any]) -> ClassState:
    """The state of a data object class."""
    state = own_state(cls)
    if state is None:
        raise TypeError(f"expected a data object class, got {cls!r}")
    return state
