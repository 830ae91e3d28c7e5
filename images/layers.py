"""Layers: folders and file systems as compressed archives that are the same whenever their content is."""

from __future__ import annotations

import gzip
import hashlib
import stat
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any


@dataclass(frozen=True)
class Layer:
    """A blob in a folder of blobs; the second digest is that of its uncompressed content."""

    digest: str
    size: int
    diff_id: str
    media_type: str = "application/vnd.oci.image.layer.v1.tar+gzip"


Member = tuple[tarfile.TarInfo, Callable[[], IO[bytes] | None]]


def layer_of_folder(folder: Path, blobs: Path, epoch: int, writable: Collection[str] = ()) -> Layer:
    """Everything below the folder, owned by root, with the time of the epoch; its group may write in some folders."""
    return _write(_members_of_folder(folder, writable), blobs, epoch)


def layer_of_archive(archive: Path, blobs: Path, epoch: int) -> Layer:
    """A root file system: its members in their order, without devices, which an engine makes, and setuid programs."""
    with tarfile.open(archive) as source:
        return _write(_members_of_archive(source), blobs, epoch)


def _members_of_folder(folder: Path, writable: Collection[str]) -> Iterator[Member]:
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
        info = tarfile.TarInfo(path.relative_to(folder).as_posix())
        mode = path.lstat().st_mode
        # Not what the umask of this machine makes of them.
        info.mode = 0o775 if info.name in writable else 0o755 if mode & stat.S_IXUSR else 0o644
        if path.is_symlink():
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
            yield info, _nothing
        elif path.is_dir():
            info.type = tarfile.DIRTYPE
            yield info, _nothing
        else:
            info.size = path.stat().st_size
            yield info, lambda path=path: path.open("rb")  # type: ignore[misc]  # the path of this member


def _members_of_archive(source: tarfile.TarFile) -> Iterator[Member]:
    for info in source:
        info.name = str(PurePosixPath(info.name))
        if info.name == "." or info.isdev():
            continue
        if info.isreg():
            info.mode &= ~(stat.S_ISUID | stat.S_ISGID)
        if info.islnk():
            info.linkname = str(PurePosixPath(info.linkname))
        yield info, lambda info=info: source.extractfile(info) if info.isreg() else None  # type: ignore[misc]  # likewise


def _nothing() -> None:
    return None


def _write(members: Iterable[Member], blobs: Path, epoch: int) -> Layer:
    blobs.mkdir(parents=True, exist_ok=True)
    unnamed = blobs / ".layer"
    with unnamed.open("wb") as file:
        compressed = _Hashed(file)
        # Neither a name nor a time in the header of the compressed file.
        with gzip.GzipFile("", "wb", 6, compressed, mtime=0) as packed:
            plain = _Hashed(packed)
            with closing(tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT)) as archive:  # type: ignore[call-overload]  # it only writes
                for info, content in members:
                    _add(archive, info, content, epoch)
    digest = compressed.digest()
    unnamed.rename(blobs / digest.removeprefix("sha256:"))
    return Layer(digest, compressed.size, plain.digest())


def _add(
    archive: tarfile.TarFile, info: tarfile.TarInfo, content: Callable[[], IO[bytes] | None], epoch: int
) -> None:
    info.mtime = epoch
    info.uname = info.gname = ""
    info.pax_headers = {
        name: value for name, value in info.pax_headers.items() if name.startswith("SCHILY.xattr.")
    }
    file = content()
    if file is None:
        archive.addfile(info)
        return
    with file:
        archive.addfile(info, file)


class _Hashed:
    """Passes on what is written to it, and knows its digest."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        self._target.write(data)
        return len(data)

    def flush(self) -> None:
        self._target.flush()

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"
