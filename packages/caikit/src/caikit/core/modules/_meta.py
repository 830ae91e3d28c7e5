"""The metaclass of modules: every `load` fills the metadata of the model that it returns."""

from __future__ import annotations

import abc
from typing import Any

import alog

from ._metadata import with_metadata

log = alog.use_channel("MODMETA")


class ModuleMeta(abc.ABCMeta):
    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> ModuleMeta:
        load = namespace.get("load")
        if isinstance(load, classmethod):
            namespace = {**namespace, "load": classmethod(with_metadata(load.__func__))}
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == "load":
            log.warning(
                "<COR66121640W>",
                "Replacing %s.load breaks the persistence of metadata: models that it returns know nothing "
                "of their config.yml",
                cls.__name__,
            )
        super().__setattr__(name, value)
