"""Ways to run an image on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Any

from images.check import check_image
from images.layout import Files, blob_path, read_image

SECONDS = 240


class UnavailableError(Exception):
    """This machine cannot run images in this way."""


class Container(ABC):
    """A running image."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def log(self) -> str:
        return self._log.read_text()

    def python(self, code: str) -> str:
        """What a program prints that runs in the container, as the same user."""
        result = self.execute("python3", "-c", code)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    @abstractmethod
    def execute(self, *command: str) -> subprocess.CompletedProcess[str]: ...

    @abstractmethod
    def terminate(self) -> None: ...

    def wait(self) -> int:
        return self.process.wait(SECONDS)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)


class Engine(ABC):
    """Runs images with a root file system that cannot be written to, a temporary folder, and the network of the machine."""

    program: str

    def __init__(self, image: Path, folder: Path) -> None:
        if shutil.which(self.program) is None:
            raise UnavailableError(f"{self.program} is not installed")
        self.image, self.folder = image, folder
        self.config: dict[str, Any] = check_image(image)["config"]
        self.prepare()

    @abstractmethod
    def prepare(self) -> None: ...

    @abstractmethod
    def start(self, volume: Path, environment: dict[str, str], user: str | None = None) -> Container: ...

    @abstractmethod
    def close(self) -> None: ...


class Podman(Engine):
    """Loads the image as a user would. What it needs differs with the machine."""

    program = "podman"
    _ways: tuple[tuple[list[str], list[str]], ...] = (
        ([], []),
        (["--cgroup-manager=cgroupfs"], []),
        (
            ["--cgroup-manager=cgroupfs", "--runtime=runc"],
            ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"],
        ),
    )

    def prepare(self) -> None:
        self._store = Path(tempfile.mkdtemp(prefix="podman-"))
        where = [self.program, f"--root={self._store}/root", f"--runroot={self._store}/run"]
        loaded = _run(*where, "load", "--quiet", "--input", str(self.image))
        if loaded.returncode:
            self.close()
            raise UnavailableError(f"podman load: {loaded.stderr.strip()[-300:]}")
        self._name = loaded.stdout.strip().rpartition(" ")[2]
        for options, limits in self._ways:
            self._command, self._limits = [*where, *options], limits
            tried = _run(*self._run_command("--rm", "--entrypoint=python3"), self._name, "-c", "")
            if tried.returncode == 0:
                return
        self.close()
        raise UnavailableError(f"podman run: {tried.stderr.strip()[-300:]}")

    def _run_command(self, *options: str) -> list[str]:
        return [*self._command, "run", *self._limits, "--network=host", *options]

    def start(self, volume: Path, environment: dict[str, str], user: str | None = None) -> Container:
        name = f"caikit-{uuid.uuid4().hex}"
        options = [f"--name={name}", "--rm", "--read-only", "--tmpfs=/tmp", f"--volume={volume}:/caikit"]
        options += [f"--env={key}={value}" for key, value in environment.items()]
        options += [
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            f"--user={user or self.config['User']}",
        ]
        return _PodmanContainer(
            self._command, name, [*self._run_command(*options), self._name], self.folder / f"{name}.log"
        )

    def close(self) -> None:
        _run(
            self.program,
            f"--root={self._store}/root",
            f"--runroot={self._store}/run",
            "rmi",
            "--all",
            "--force",
        )
        shutil.rmtree(self._store, ignore_errors=True)


class _PodmanContainer(Container):
    def __init__(self, podman: list[str], name: str, command: list[str], log: Path) -> None:
        self._podman, self._name = podman, name
        super().__init__(command, log)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return _run(*self._podman, "exec", self._name, *command)

    def terminate(self) -> None:
        _run(*self._podman, "kill", "--signal=TERM", self._name)

    def close(self) -> None:
        _run(*self._podman, "rm", "--force", "--time=0", self._name)
        super().close()


class Runc(Engine):
    """A bundle made of the image."""

    program = "runc"

    def prepare(self) -> None:
        if os.geteuid() != 0:
            raise UnavailableError("runc is tried as root only")
        self.root = unpacked(self.image, self.folder)

    def start(self, volume: Path, environment: dict[str, str], user: str | None = None) -> Container:
        name = f"caikit-{uuid.uuid4().hex}"
        bundle = self.folder / name
        bundle.mkdir()
        spec = _run(self.program, "spec", "--bundle", str(bundle))
        assert spec.returncode == 0, spec.stderr
        config = json.loads((bundle / "config.json").read_text())
        uid, gid = (user or self.config["User"]).split(":")
        given = [f"{key}={value}" for key, value in environment.items()]
        nothing: dict[str, list[str]] = {kind: [] for kind in config["process"]["capabilities"]}
        config["process"] |= {
            "terminal": False,
            "user": {"uid": int(uid), "gid": int(gid)},
            "args": self.config["Entrypoint"],
            "env": [*self.config["Env"], *given],
            "cwd": self.config["WorkingDir"],
            "capabilities": nothing,
            "rlimits": [],
        }
        config["root"] = {"path": str(self.root), "readonly": True}
        config["mounts"] += [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
            {"destination": "/caikit", "type": "bind", "source": str(volume), "options": ["rbind", "rw"]},
        ]
        namespaces = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [each for each in namespaces if each["type"] != "network"]
        (bundle / "config.json").write_text(json.dumps(config))
        command = [self.program, "run", "--bundle", str(bundle), name]
        return _RuncContainer(name, command, self.folder / f"{name}.log")

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


class _RuncContainer(Container):
    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self._name = name
        super().__init__(command, log)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return _run("runc", "exec", self._name, *command)

    def terminate(self) -> None:
        _run("runc", "kill", self._name, "TERM")

    def close(self) -> None:
        _run("runc", "delete", "--force", self._name)
        super().close()


class Bubblewrap(Engine):
    """Namespaces of a user, without a container runtime."""

    program = "bwrap"

    def prepare(self) -> None:
        self.root = unpacked(self.image, self.folder)
        tried = _run(*self._command("1001:0"), "--clearenv", "/opt/caikit/bin/python3", "-c", "")
        if tried.returncode:
            self.close()
            raise UnavailableError(f"bwrap: {tried.stderr.strip()[-300:]}")

    def _command(self, user: str) -> list[str]:
        uid, gid = user.split(":")
        return [
            *(self.program, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--uid", uid, "--gid", gid),
            *("--ro-bind", str(self.root), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
            *("--as-pid-1", "--die-with-parent", "--cap-drop", "ALL"),
        ]

    def start(self, volume: Path, environment: dict[str, str], user: str | None = None) -> Container:
        variables = dict(entry.split("=", 1) for entry in self.config["Env"]) | environment
        info = self.folder / f"{uuid.uuid4().hex}.json"
        command = [
            *self._command(user or self.config["User"]),
            "--bind",
            str(volume),
            "/caikit",
            "--clearenv",
        ]
        for key, value in variables.items():
            command += ["--setenv", key, value]
        command += ["--chdir", self.config["WorkingDir"], *self.config["Entrypoint"]]
        return _BubblewrapContainer(info, command)

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


class _BubblewrapContainer(Container):
    def __init__(self, info: Path, command: list[str]) -> None:
        shell = ["sh", "-c", 'exec "$@" 9>"$0"', str(info), command[0], "--info-fd", "9", *command[1:]]
        super().__init__(shell, info.with_suffix(".log"))
        deadline = time.monotonic() + SECONDS
        while not info.exists() or "}" not in info.read_text():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        self._pid = str(json.loads(info.read_text())["child-pid"])

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        variables = Path("/proc", self._pid, "environ").read_bytes().decode().strip("\0").split("\0")
        inside = ["nsenter", f"--target={self._pid}", "--user", "--mount", "--pid", "--preserve-credentials"]
        return _run(*inside, "--root", "--wd", "env", "-i", *variables, *command)

    def terminate(self) -> None:
        os.kill(int(self._pid), 15)


ENGINES: tuple[type[Engine], ...] = (Podman, Runc, Bubblewrap)


def unpacked(image: Path, folder: Path) -> Path:
    """The layers, one over the other."""
    root = Path(tempfile.mkdtemp(prefix="root-", dir=folder))
    root.chmod(0o755)
    for layer in read_image(image).layers:
        with Files(image).open(blob_path(layer.digest)) as blob:
            _unpack(blob, root)
    # Larger engines write it for each container.
    shutil.copyfile("/etc/hosts", root / "etc" / "hosts")
    return root


def _unpack(blob: IO[bytes], root: Path) -> None:
    with tarfile.open(fileobj=blob) as archive:
        archive.extractall(root, numeric_owner=True, filter="fully_trusted")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
    )
