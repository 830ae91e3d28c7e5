"""The read-only face of a configuration."""

from __future__ import annotations

import copy
from typing import Any, NoReturn

import aconfig
import yaml
from yaml.representer import Representer, SafeRepresenter

__all__ = ["ConfigView"]

_NAME = "ImmutableAttributeAccessDict"


class _ReadOnlyMapping:
    """Refuses every change; copies and pickles are made of ordinary, changeable objects."""

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{_NAME} does not support attribute assignment")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{_NAME} does not support attribute deletion")

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{_NAME} does not support item assignment")

    def __delitem__(self, key: str) -> NoReturn:
        raise TypeError(f"{_NAME} does not support item deletion")

    __setitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        make, arguments = self.__reduce__()
        return make(*arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return aconfig.AttributeAccessDict, (_mutable(self),)


class _SectionView(_ReadOnlyMapping, aconfig.ImmutableAttributeAccessDict):  # type: ignore[misc]  # untyped base
    def __init__(self, content: dict[str, Any]) -> None:
        dict.__init__(self, {key: _frozen(value) for key, value in content.items()})


class ConfigView(_ReadOnlyMapping, aconfig.ImmutableConfig):  # type: ignore[misc]  # untyped base
    """A configuration that cannot be changed; nested mappings and lists cannot be changed either."""

    def __init__(self, content: dict[str, Any]) -> None:
        dict.__init__(self, {key: _frozen(value) for key, value in content.items()})

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return aconfig.Config, (_mutable(self), False)


class _ListView(list[Any]):
    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a list of the configuration does not support changes")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return list(map(_mutable, self))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return list, (list(map(_mutable, self)),)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return _SectionView(value)
    if isinstance(value, list):
        return _ListView(map(_frozen, value))
    return value


def _mutable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mutable(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(_mutable, value))
    return copy.deepcopy(value)


# a dumper for which somebody registered a type before does not see what is registered for its base classes
for _dumper in (SafeRepresenter, Representer, yaml.SafeDumper, yaml.Dumper):
    if "yaml_representers" in vars(_dumper):
        _dumper.add_representer(ConfigView, SafeRepresenter.represent_dict)
        _dumper.add_representer(_SectionView, SafeRepresenter.represent_dict)
        _dumper.add_representer(_ListView, SafeRepresenter.represent_list)
