"""Writes and removes the files of models that clients send."""

from __future__ import annotations

import contextlib
import errno
import ntpath
import posixpath
import re
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status

from .names import is_path_part

ModelFile = tuple[str | None, bytes | None]

_LONGEST_NAME = 1024
_MOST_FOLDERS = 32
_SHOWN_CHARACTERS = 100
_ABANDONED_SECONDS = 3600
_LEFTOVER = re.compile(r"\.(un)?deploy-[0-9a-f]+")


def write_model(directory: Path, model_id: str, files: Sequence[ModelFile]) -> None:
    """Create the folder of a new model with all files, or leave nothing behind."""
    parts = _checked_parts(files)
    target = directory / model_id
    with _os_errors("save"):
        if _there(target):
            raise already_exists(model_id)
        draft = _hidden_folder(directory, "deploy")
        try:
            for path, (_, data) in zip(parts, files, strict=True):
                _write(draft.joinpath(*path), data or b"")
            _publish(draft, target, model_id)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def remove_model(directory: Path, model_id: str) -> None:
    """Remove the model at once from the sight of everybody who lists the directory, then delete its files."""
    target = directory / model_id
    unknown = RequestError(Status.NOT_FOUND, f"Cannot undeploy unknown model {model_id}")
    if not _there(target):
        raise unknown
    with _os_errors("remove"):
        try:
            _remove(directory, target)
        except FileNotFoundError:
            # Somebody else was quicker.
            raise unknown from None


def _remove(directory: Path, target: Path) -> None:
    if target.is_symlink() or not target.is_dir():
        target.unlink()
        return
    trash = _hidden_folder(directory, "undeploy")
    try:
        target.rename(trash / target.name)
    finally:
        shutil.rmtree(trash, ignore_errors=True)


def remove_leftovers(directory: Path) -> None:
    """Remove what servers that were killed in the middle of a deployment have left; another server may be in one."""
    with contextlib.suppress(OSError):
        for folder in directory.iterdir():
            if _LEFTOVER.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _checked_parts(files: Sequence[ModelFile]) -> list[tuple[str, ...]]:
    names = [name or "" for name, _ in files]
    if not names or not all(name.strip() for name in names):
        raise RequestError(
            Status.INVALID_ARGUMENT,
            "Must provide at least one model_files entry and all must be valid file names",
        )
    parts = [_parts(name) for name in names]
    uses = Counter(parts)
    folders = {path[:depth] for path in parts for depth in range(1, len(path))}
    for name, path in zip(names, parts, strict=True):
        if path in folders or uses[path] > 1:
            raise RequestError(
                Status.INVALID_ARGUMENT,
                f"Model file name {name!r} is also the name of another file or folder",
            )
    return parts


def _parts(name: str) -> tuple[str, ...]:
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME or name.count("/") > _MOST_FOLDERS:
        raise RequestError(
            Status.INVALID_ARGUMENT,
            f"Invalid model file name {name[:_SHOWN_CHARACTERS]!r}...: expected at most {_LONGEST_NAME} bytes "
            f"and {_MOST_FOLDERS} folders",
        )
    if posixpath.isabs(name) or ntpath.isabs(name) or ntpath.splitdrive(name)[0]:
        raise RequestError(Status.INVALID_ARGUMENT, f"Cannot use absolute paths for model files: {name}")
    parts = tuple(part for part in name.split("/") if part != ".")
    if not parts or not all(map(is_path_part, parts)):
        raise RequestError(
            Status.INVALID_ARGUMENT,
            f"Invalid model file name {name!r}: expected a relative path that stays inside the model",
        )
    return parts


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)


def _hidden_folder(directory: Path, purpose: str) -> Path:
    path = directory / f".{purpose}-{uuid.uuid4().hex}"
    path.mkdir()
    return path


def _publish(draft: Path, target: Path, model_id: str) -> None:
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise already_exists(model_id) from error
        raise


def _there(path: Path) -> bool:
    """True for a link that leads nowhere, too."""
    return path.is_symlink() or path.exists()


def already_exists(model_id: str) -> RequestError:
    return RequestError(Status.ALREADY_EXISTS, f"Model '{model_id}' already exists")


@contextlib.contextmanager
def _os_errors(verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        status = _status_of(error)
        reason = error.strerror or str(error)
        raise RequestError(status, f"Unable to {verb} model ({type(error).__name__}): {reason}") from error


def _status_of(error: OSError) -> Status:
    if error.errno == errno.ENAMETOOLONG:
        return Status.INVALID_ARGUMENT
    return Status.FAILED_PRECONDITION if isinstance(error, PermissionError) else Status.UNKNOWN
