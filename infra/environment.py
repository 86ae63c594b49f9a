"""Make the virtual environments that the Makefile uses: `python3 infra/environment.py local ministack`.

Promises that after success each named layer is installed exactly as its requirements file pins it, that a second
call does nothing and takes milliseconds, and that two calls at once wait for each other. An environment that was
moved, or made by another Python version, or whose Python no longer runs, is made anew. Each failure is one sentence
on standard error and exit code 1.

It does not choose the Python (the Makefile does), never touches the system's packages, and uses only the standard
library, because it runs before anything is installed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "posthorn-origin.json"  # in the environment: where it was made, and by which Python
LOG_TAIL = 20


class SetupError(Exception):
    """An environment could not be made. Its text is what the person at the terminal reads."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One requirements file in one environment. `contains` names the layers that it is a superset of."""

    folder: str
    requirements: str
    editable: bool = True
    contains: tuple[str, ...] = ()


LAYERS = {
    "local": Layer(".venv", "requirements-local.txt"),
    "dev": Layer(".venv", "requirements-dev.txt", contains=("local",)),
    "ministack": Layer(".venv-ministack", "requirements-ministack.txt", editable=False),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment folder under `root`."""

    root: Path
    folder: str

    @property
    def path(self) -> Path:
        return self.root / self.folder

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def log(self) -> Path:
        return self.path / "pip.log"

    def origin(self) -> dict[str, str]:
        return {"path": str(self.path), "python": ".".join(platform.python_version_tuple()[:2])}

    def is_sound(self) -> bool:
        """Whether it was made here, by this Python version, to the end, and its Python still runs."""
        try:
            if json.loads((self.path / ORIGIN).read_text()) != self.origin():
                return False
            return subprocess.run([self.python, "-c", ""], check=False).returncode == 0
        except (OSError, ValueError):
            return False

    def create(self) -> None:
        if find_spec("ensurepip") is None:
            version = self.origin()["python"]
            raise SetupError(
                f"{sys.executable} cannot make virtual environments:"
                f" install the Debian package python{version}-venv, or set PYTHON to another Python."
            )
        say(f"creating {self.folder} with Python {platform.python_version()} …")
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir()
        # The base interpreter, so that an activated .venv can replace itself.
        maker: str = getattr(sys, "_base_executable", sys.executable)
        self._logged([maker, "-m", "venv", str(self.path)], f"could not create {self.folder}.")
        (self.path / ORIGIN).write_text(json.dumps(self.origin()))

    def install(self, name: str, layer: Layer) -> None:
        stamp, key = self._stamp(name), layer_key(self.root, layer)
        if stamp.is_file() and stamp.read_text() == key:
            return
        requirements = self.root / layer.requirements
        count = len(re.findall(r"^[A-Za-z0-9]", requirements.read_text(), re.MULTILINE))
        say(f"installing {count} packages into {self.folder} …")
        failure = "could not install requirements; is a package index reachable?"
        pip = [str(self.python), "-P", "-m", "pip", "install", "--disable-pip-version-check"]
        self._logged([*pip, "--require-hashes", "-r", str(requirements)], failure)
        if layer.editable:
            self._logged([*pip, "--no-deps", "--no-build-isolation", "-e", str(self.root)], failure)
        for done in (name, *layer.contains):
            self._stamp(done).write_text(layer_key(self.root, LAYERS[done]))

    def _stamp(self, name: str) -> Path:
        return self.path / f"posthorn-{name}.stamp"

    def _logged(self, command: Sequence[str], failure: str) -> None:
        """Run the command with its output in pip.log; on failure show the log's end and raise."""
        with self.log.open("a") as log:
            done = subprocess.run(command, cwd=self.root, stdout=log, stderr=log, check=False)
        if done.returncode == 0:
            return
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        print(*lines, sep="\n", file=sys.stderr)
        if any("No space left on device" in line for line in lines):
            failure = no_room(self.path)
        raise SetupError(f"{failure} (full log: {self.folder}/pip.log)")


def layer_key(root: Path, layer: Layer) -> str:
    """What the stamp holds: it changes with the pins and, for our own packages, with pyproject.toml."""
    digest = hashlib.sha256((root / layer.requirements).read_bytes())
    if layer.editable:
        digest.update((root / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def no_room(path: Path) -> str:
    return f"no room left on the disk that holds {path}."


def say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def only_one(lock: Path, folder: str) -> Iterator[None]:
    """Hold the lock file beside the environment, which the kernel frees if this process dies."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another set-up of {folder} …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure(name: str, root: Path = ROOT) -> None:
    """Bring one layer up to date."""
    layer = LAYERS[name]
    environment = Environment(root, layer.folder)
    with only_one(root / f"{layer.folder}.lock", layer.folder):
        if not environment.is_sound():
            environment.create()
        environment.install(name, layer)


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in LAYERS]
    if unknown or not names:
        print(f"usage: environment.py {{{','.join(LAYERS)}}} …", file=sys.stderr)
        return 2
    try:
        for name in names:
            ensure(name)
    except SetupError as error:
        print(f"posthorn: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        reason = no_room(ROOT) if error.errno == errno.ENOSPC else f"set-up failed: {error}"
        print(f"posthorn: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
