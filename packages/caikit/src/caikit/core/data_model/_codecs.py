"""The compiled functions of one class; each is generated when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ._meta import is_generated
from ._oneof import Infer, active_member, make_infer
from ._schema import MessageSchema, MessageType, UnionOf, schema_of
from ._state import state_of

_lock = threading.RLock()


class Codecs:
    """What generated code needs to know about a class, and the generated code itself."""

    to_proto: Callable[[Any], Any]
    fill_proto: Callable[[Any, Any], Any]
    from_proto: Callable[[Any, Any], Any]
    read_message: Callable[[Any, Any], Any]
    decode_given: Callable[[bytes], dict[str, Any]]
    to_dict: Callable[[Any], dict[str, Any]]
    to_json: Callable[..., str]
    to_plain: Callable[[Any], dict[str, Any]]
    write_json: Callable[[Any], str]
    from_json: Callable[..., Any]
    json_plain: Callable[[Any], Any]

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        self.schema: MessageSchema = schema_of(cls)
        self.node = MessageType(cls)
        self.unions: dict[str, Infer] = {
            field.name: make_infer(f"{cls.__name__}.{field.name}", field.type)
            for field in self.schema.fields
            if isinstance(field.type, UnionOf)
        }
        self._reading = False
        self.compiling: set[Any] = set()
        self.readers: dict[Any, Callable[[Any], Any]] = {}
        self.shapes: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        module = _MAKERS.get(name)
        if module is None:
            raise AttributeError(name)
        with _lock:
            made = self.__dict__.get(name)
            if made is None:
                made = getattr(import_module(f".{module}", __package__), f"make_{name}")(self)
                self.__dict__[name] = made
                self._install(name, made)
        return made

    def _install(self, name: str, made: Any) -> None:
        """From now on a call of the method goes straight to the generated function."""
        method = "_json_plain" if name == "json_plain" else name
        if method in state_of(self.cls).generated:
            made.__doc__ = getattr(self.cls, method).__doc__
            setattr(self.cls, method, classmethod(made) if name in _CLASS_METHODS else made)

    @property
    def builds_directly(self) -> bool:
        """True if an instance may be filled without calling a constructor that somebody wrote."""
        return bool(getattr(self.cls.__init__, "_is_generated", False)) and not hasattr(
            self.cls, "__post_init__"
        )

    def message_reader(self) -> Callable[[Any, Any], Any]:
        """`read_message`, possibly not yet compiled: a message may contain itself."""
        if self._reading:
            return lambda cls, proto: self.read_message(cls, proto)
        self._reading = True
        try:
            return self.read_message
        finally:
            self._reading = False

    def which(self, instance: Any, union: str) -> str | None:
        return active_member(instance, union, self.unions[union])


def codecs_of(cls: type[Any]) -> Codecs:
    """The compiled functions of exactly this class."""
    state = state_of(cls)
    codecs = state.codecs
    if codecs is None:
        with _lock:
            codecs = state.codecs
            if codecs is None:
                codecs = state.codecs = Codecs(cls)
    return codecs


def overrides(cls: type[Any], method: str) -> bool:
    """True if the class, or a parent, defines this method by hand."""
    return not is_generated(cls, method)


_CLASS_METHODS = ("from_json", "from_proto")

_MAKERS = {
    "decode_given": "_proto_read",
    "from_json": "_json_typed",
    "fill_proto": "_proto_write",
    "from_proto": "_proto_read",
    "json_plain": "_dict_write",
    "read_message": "_proto_read",
    "to_dict": "_dict_write",
    "to_json": "_json_write",
    "to_plain": "_dict_write",
    "to_proto": "_proto_write",
    "write_json": "_json_write",
}
"""The module whose `make_<name>` generates the function."""
