"""Where models come from and where they are saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caikit.core import ModuleBase, ModuleConfig, ModuleSaver
from caikit.core.toolkit.concurrency.library_lock import library_lock

from .._settings import downloads_allowed
from ._libraries import import_transformers
from ._pair import Pretrained

_PROCESSOR_KEY = "image_processor_artifacts"
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of models."""

    noun: str
    tasks: tuple[str, ...]
    """What transformers calls it, as in AutoModelFor<task> and MODEL_FOR_<TASK>_MAPPING; the first that fits is taken."""
    artifacts: str
    """Entry of a saved model's configuration that names the folder of the weights."""


def load_names(
    kind: Kind,
    model_name: str,
    improc_name: str | None = None,
    device: str | None = None,
    labels: Sequence[str] | None = None,
) -> Pretrained:
    """A model and a processor by the names of folders or, where they are there or may be fetched, of a hub.

    With labels, these are its classes; where it had fewer or more, its last layer is new and knows nothing.
    """
    for name in (model_name, *([] if improc_name is None else [improc_name])):
        if not isinstance(name, str) or not name:
            raise TypeError(f"expected the name or the folder of a model, got {name!r}")
    return _load(kind, improc_name or model_name, model_name, device, labels)


def load_folders(
    kind: Kind, config: ModuleConfig, device: str | None = None, labels: Sequence[str] | None = None
) -> Pretrained:
    """A model and a processor from the folders that the configuration of a saved model names."""
    processor, weights = _folder(config, _PROCESSOR_KEY), _folder(config, kind.artifacts)
    return _load(kind, processor, weights, device, labels)


def save_folders(
    module: ModuleBase,
    pretrained: Pretrained,
    kind: Kind,
    model_path: str,
    folders: tuple[str, str],
    **config: Any,
) -> None:
    """Write processor and model into these two folders of a model, and its configuration."""
    with ModuleSaver(module, model_path=model_path) as saver:
        processor, processor_path = saver.add_dir(folders[0])
        weights, weights_path = saver.add_dir(folders[1])
        pretrained.image_processor.save_pretrained(processor_path)
        pretrained.model.save_pretrained(weights_path)
        saver.update_config({_PROCESSOR_KEY: processor, kind.artifacts: weights, **config})


def _load(
    kind: Kind, processor_name: str, model_name: str, device: str | None, labels: Sequence[str] | None
) -> Pretrained:
    transformers = import_transformers()
    processor = _from_pretrained(transformers.AutoImageProcessor, processor_name)
    changes: dict[str, Any] = {}
    if labels is not None:
        numbers = {label: number for number, label in enumerate(labels)}
        changes = {"id2label": dict(enumerate(labels)), "label2id": numbers}
    config = _from_pretrained(transformers.AutoConfig, model_name, **changes)
    auto_class = _auto_class(transformers, kind, config, model_name)
    options = {"config": config, "output_loading_info": True, "ignore_mismatched_sizes": labels is not None}
    with library_lock("transformers"):
        model, report = _from_pretrained(auto_class, model_name, **options)
    missing = sorted(report["missing_keys"])
    if missing:
        shown = ", ".join(missing[:_MOST_SHOWN]) + (" ..." if len(missing) > _MOST_SHOWN else "")
        found = f"one without {len(missing)} of the weights: {shown}"
        raise ValueError(f"expected a trained {kind.noun} in {model_name}, got {found}")
    return Pretrained(processor, model, device)


def _auto_class(transformers: Any, kind: Kind, config: Any, model_name: str) -> Any:
    for task in kind.tasks:
        if type(config) in getattr(transformers, f"MODEL_FOR_{_snake_case(task)}_MAPPING"):
            return getattr(transformers, f"AutoModelFor{task}")
    found = f"a model of the type {config.model_type}"
    raise ValueError(f"expected {_article(kind.noun)} in {model_name}, got {found}")


def _from_pretrained(auto_class: Any, name: str, **options: Any) -> Any:
    is_folder = Path(name).is_dir()
    offline = is_folder or not downloads_allowed()
    try:
        return auto_class.from_pretrained(name, local_files_only=offline, **options)
    except OSError as absent:
        if is_folder or not offline:
            raise
        raise FileNotFoundError(
            f"expected a folder or a model of the hub that is on this machine, got {name!r}; "
            "the setting allow_downloads lets models be fetched"
        ) from absent
    except ImportError as absent:
        reason = " ".join(str(absent).split())
        raise ImportError(f"The model {name!r} needs a library that is not installed: {reason}") from absent


def _folder(config: ModuleConfig, key: str) -> str:
    relative = config.get(key)
    if not isinstance(relative, str) or not relative:
        raise ValueError(f"expected {key} in the config.yml of a model, got {relative!r}")
    root = Path(config.model_path).resolve()
    folder = (root / relative).resolve()
    if not folder.is_relative_to(root):
        raise ValueError(f"expected a folder inside the model as {key}, got {relative!r}")
    if not folder.is_dir():
        raise FileNotFoundError(f"expected the folder {relative!r} in the model, as {key} says, found none")
    return str(folder)


def _snake_case(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name)[1:].upper()


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
