"""Make the virtual environments that the Makefile uses: `python3 infra/environment.py local ministack`.

Promises that after success each named layer is installed exactly as its requirements file pins it, that a second
call does nothing and takes milliseconds, and that two calls at once wait for each other. An environment that was
moved, or made by another Python version, or whose Python no longer runs, is made anew. Each failure is one sentence
on standard error and exit code 1.

A layer that runs on one Python version only gets that one: the interpreter of `PYTHON313` (for 3.13), the first on the
PATH, or one of pyenv or uv; when there is none, the exit code is 3. For all others the Makefile chooses the Python. It
never touches the system's packages, and uses only the standard library, because it runs before anything is installed.
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
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORIGIN = "posthorn-origin.json"  # in the environment: where it was made, and by which Python
LOG_TAIL = 20
NO_SUCH_PYTHON = 3


class SetupError(Exception):
    """An environment could not be made. Its text is what the person at the terminal reads."""


class MissingPython(SetupError):
    """The one Python version that a layer runs on is not on this machine."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One requirements file in one environment. `contains` names the layers that it is a superset of.

    `python` is the one version that it runs on, `package` a folder whose package is installed besides.
    """

    folder: str
    requirements: str
    editable: bool = True
    contains: tuple[str, ...] = ()
    python: str = ""
    package: str = ""


LAYERS = {
    "local": Layer(".venv", "requirements-local.txt"),
    "dev": Layer(".venv", "requirements-dev.txt", contains=("local",)),
    "ministack": Layer(".venv-ministack", "requirements-ministack.txt", editable=False),
    "localstack": Layer(
        ".venv-localstack",
        "requirements-localstack.txt",
        editable=False,
        python="3.13",
        package="infra/localstack",
    ),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment folder under `root`. `maker` is the interpreter that makes it, "" for the running one."""

    root: Path
    folder: str
    maker: str = ""
    version: str = ".".join(platform.python_version_tuple()[:2])

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
        return {"path": str(self.path), "python": self.version}

    def is_sound(self) -> bool:
        """Whether it was made here, by this Python version, to the end, and its Python still runs."""
        try:
            if json.loads((self.path / ORIGIN).read_text()) != self.origin():
                return False
            return subprocess.run([self.python, "-c", ""], check=False).returncode == 0
        except (OSError, ValueError):
            return False

    def create(self) -> None:
        # The base interpreter, so that an activated .venv can replace itself.
        maker: str = self.maker or getattr(sys, "_base_executable", sys.executable)
        if not can_make_environments(self.maker):
            variable = "PYTHON" if not self.maker else variable_of(self.version)
            raise SetupError(
                f"{self.maker or sys.executable} cannot make virtual environments:"
                f" install the Debian package python{self.version}-venv, or set {variable} to another Python."
            )
        say(f"creating {self.folder} with Python {self.version} …")
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir()
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
        if layer.package:
            with tempfile.TemporaryDirectory() as folder:  # setuptools builds in place
                copy = shutil.copytree(self.root / layer.package, Path(folder) / "package")
                self._logged([*pip, "--no-deps", "--no-build-isolation", str(copy)], failure)
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
    if layer.package:
        for pattern in ("pyproject.toml", "**/*.py"):
            for source in sorted((root / layer.package).glob(pattern)):
                digest.update(source.read_bytes())
    return digest.hexdigest()


def find_python(version: str) -> str:
    """The interpreter of a version such as `3.13`; MissingPython when none runs here."""
    variable = variable_of(version)
    if named := os.environ.get(variable):
        if not is_python(named, version):
            raise MissingPython(f"{variable} names {named}, which is no working Python {version}.")
        return named
    for candidate in pythons(version):
        if is_python(candidate, version):
            return candidate
    raise MissingPython(
        f"Python {version} is needed and was not found; install it or name it with"
        f" {variable}=/path/to/python{version}."
    )


def variable_of(version: str) -> str:
    """Where the caller names an interpreter of this version."""
    return "PYTHON" + version.replace(".", "")


def pythons(version: str) -> Iterator[str]:
    """Where interpreters of a version may be, likely ones first."""
    name = f"python{version}"
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    uv = Path.home() / ".local" / "share" / "uv" / "python"
    for place in (pyenv / "versions", uv):
        yield from (str(path) for path in sorted(place.glob(f"*{version}.*/bin/{name}")))


def is_python(path: str, version: str) -> bool:
    """Whether this runs and is that version; pyenv leaves links behind for versions that it will not run."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [path, "-c", program], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def can_make_environments(maker: str) -> bool:
    """Whether the interpreter ("" for the running one) has what `python -m venv` needs."""
    if not maker:
        return find_spec("ensurepip") is not None
    return subprocess.run([maker, "-c", "import ensurepip"], check=False).returncode == 0


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
    if layer.python:
        environment = Environment(root, layer.folder, find_python(layer.python), layer.python)
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
        return NO_SUCH_PYTHON if isinstance(error, MissingPython) else 1
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
