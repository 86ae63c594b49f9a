"""Make the virtual environments that the Makefile uses: `python3 infra/environment.py local ministack`.

Promises that after success each named layer is installed as its requirements file pins it, that a second call does
nothing and takes milliseconds, and that two calls at once wait for each other. An environment that was moved, was made
by another Python version, or whose Python is gone is made anew. Of the list, pip and what builds packages come first,
so that the rest is installed the same way whatever pip the Python brought (docs/adr/0030). A failure is one sentence on
standard error, with the reason in the words of who failed, and exit code 1.

A layer that runs on one Python version only gets that one; when it is not on this machine, the exit code is 3. Uses
the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Not that of an environment, so that an activated .venv can replace itself.
BASE: str = getattr(sys, "_base_executable", sys.executable)
NO_SUCH_PYTHON = 3
# Files in an environment: where it was made, and by which Python; the key of what is installed of a layer.
ORIGIN, STAMP = "posthorn-origin", "posthorn-{}.stamp"
TOOLS = re.compile(r"^(?:pip|setuptools|wheel)==(?:.*\\\n)*.*\n", re.MULTILINE)


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
    "lake": Layer(".venv", "requirements-lake.txt"),
    "dev": Layer(".venv", "requirements-dev.txt", contains=("local", "lake")),
    "ministack": Layer(".venv-ministack", "requirements-ministack.txt", editable=False),
    "localstack": Layer(
        ".venv-localstack",
        "requirements-localstack.txt",
        editable=False,
        python="3.13",
        package="infra/localstack",
    ),
}


def ensure(name: str, root: Path = ROOT) -> None:
    """Bring one layer up to date; SetupError says why not."""
    layer = LAYERS[name]
    version = layer.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    maker = find_python(version) if layer.python else BASE
    folder = root / layer.folder
    with only_one(root / f"{layer.folder}.lock"):
        made = f"{folder} by Python {version}"
        if not (says(folder / ORIGIN, made) and runs(folder / "bin/python")):
            print(f"creating {layer.folder} with Python {version} …", flush=True)
            create(folder, maker, version)
            (folder / ORIGIN).write_text(made)
        if not says(folder / STAMP.format(name), key(root, layer)):
            install(root, layer)
            for done in (name, *layer.contains):
                (folder / STAMP.format(done)).write_text(key(root, LAYERS[done]))


def says(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text


def key(root: Path, layer: Layer) -> str:
    """Changes with the pins and, for our own packages, with what they declare and what is copied of them."""
    sources = [root / layer.requirements, root / "pyproject.toml"]
    if layer.package:
        package = root / layer.package
        sources += [*sorted(package.glob("*.toml")), *sorted(package.rglob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def create(folder: Path, maker: str, version: str) -> None:
    """An environment that holds nothing but the pip that its Python brings."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    run(folder, maker, "-m", "venv", "--without-pip", folder)
    try:
        run(folder, folder / "bin/python", "-m", "ensurepip")
    except SetupError as error:
        if "No module named ensurepip" not in str(error):
            raise
        hint = f"install the Debian package python{version}-venv, or choose another Python"
        raise SetupError(f"{maker} cannot make virtual environments: {hint}.") from None


def install(root: Path, layer: Layer) -> None:
    """Install a list: first what installs and builds, then all of it; nothing that it does not pin is fetched."""
    folder, listed = root / layer.folder, root / layer.requirements
    text = listed.read_text()
    count = len(re.findall(r"^\w", text, re.MULTILINE))
    print(f"installing {count} packages into {layer.folder} …", flush=True)
    tools = folder / "posthorn-tools.txt"
    tools.write_text("".join(TOOLS.findall(text)))

    def pip(*arguments: str | Path) -> None:
        options = ("install", "--disable-pip-version-check", "--no-deps")
        run(folder, folder / "bin/python", "-P", "-m", "pip", *options, *arguments)

    if tools.read_text():
        pip("--require-hashes", "-r", tools)
    pip("--require-hashes", "--no-build-isolation", "-r", listed)
    if layer.editable:
        pip("--no-build-isolation", "-e", root)
    if layer.package:
        with tempfile.TemporaryDirectory() as scratch:  # setuptools builds in place
            copy = shutil.copytree(root / layer.package, Path(scratch) / "package")
            pip("--no-build-isolation", copy)


def run(folder: Path, *command: str | Path) -> None:
    """Run to the end; SetupError says why it failed, and `setup.log` has its output."""
    output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, text=True, errors="replace", check=False, **output)
    if done.returncode:
        log = folder / "setup.log"
        with suppress(OSError):  # a full disk holds no log, and is the reason
            log.write_text(done.stdout)
        raise SetupError(f"{folder.name} was not set up: {reason(done.stdout)} (more in {log})")


def reason(said: str) -> str:
    """What ended a program, in its words: pip's errors, or else the last line.

    pip calls a package missing also when it reached nobody to ask; then the trouble with the connection comes first.
    """
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()] or ["no word"]
    first = next((n for n, line in enumerate(lines) if line.startswith("ERROR: ")), -1)
    broken = re.findall(r"Retrying .* after (connection broken.*)", said)
    told = " ".join(lines[first:]).partition(" Traceback (most recent call last)")[0]
    told = lines[-1] if told == "ERROR: Exception:" else told
    text = " ".join([*broken[-1:], told]) if "versions: none" in said else told
    return re.sub(r" \(from versions: [^)]*\)", "", text)


def find_python(version: str) -> str:
    """An interpreter of a version such as `3.13`: of PYTHON313, this one, on the PATH, pyenv's; or MissingPython."""
    name, variable = f"python{version}", "PYTHON" + version.replace(".", "")
    if named := os.environ.get(variable):
        if not runs(named, version):
            raise MissingPython(f"{variable} names {named}, which is no working Python {version}.")
        return named
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    others = map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{name}")))
    for path in (BASE, shutil.which(name) or name, *others):
        if runs(path, version):  # pyenv puts names on the PATH for versions that it will not run
            return path
    raise MissingPython(
        f"Python {version} is needed and was not found; install it or name it with"
        f" {variable}=/path/to/{name}."
    )


def runs(python: str | Path, version: str = "") -> bool:
    """Whether this is an interpreter, of that version, and runs."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip().startswith(version)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the lock file beside the environment, which the kernel frees if this process dies."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another set-up of {lock.stem} …", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(names: Sequence[str]) -> int:
    if not names or not LAYERS.keys() >= set(names):
        print(f"usage: environment.py {{{','.join(LAYERS)}}} …", file=sys.stderr)
        return 2
    try:
        for name in names:
            ensure(name)
    except (SetupError, OSError) as error:
        stopped = "" if isinstance(error, SetupError) else "the set-up stopped: "
        print(f"posthorn: {stopped}{error}", file=sys.stderr)
        return NO_SUCH_PYTHON if isinstance(error, MissingPython) else 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
