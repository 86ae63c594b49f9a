"""The zip that Lambda runs: what Chalice packs of the app, and the pinned dependencies for Lambda's platform.

Promises the same bytes for the same sources, pins and Python: names in order, one date, fixed permissions, reproducible
bytecode. Dependencies are wheels with the hashes of a requirements file, kept in `build/` between runs. It does not
decide what the app consists of: that is what Chalice found.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "requirements.txt"
LAKE_REQUIREMENTS = ROOT / "requirements-lake.txt"
LARGEST_ZIP = 50 * 1024 * 1024
LARGEST_UNZIPPED = 250 * 1024 * 1024
DATE = (1980, 1, 1, 0, 0, 0)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # as pip and Lambda count it
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's name → the wheels'

LEFT_OUT = ("bin", "*.dist-info", "*.pyi")
# Of Arrow: what it is built and tested with, and its remote protocol. The other libraries are linked to each other.
LEFT_OUT_OF_ARROW = (
    *("include", "includes", "src", "tests", "*.pxd", "*.pxi", "*.pyx"),
    *("_flight*", "_pyarrow_cpp_tests*", "libarrow_flight*", "libarrow_python_flight*"),
    # Names of the same library that nothing is linked to.
    *("libarrow_python*.so", "libarrow_python*.so.*.*.*"),
)
# Of the ASN.1 modules, what is read of a passkey's attestation; the others take as much room as all of that.
ASN1_MODULES = ("__init__.py", "rfc5280.py")
# botocore describes every service of AWS; these are the ones that the functions call.
SERVICES = ("dynamodb", "kms", "s3", "sqs")


class NotPackaged(Exception):
    """The package could not be made. Its text is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The finished zip. `sizes` are the compressed bytes of each top-level name."""

    path: Path
    digest: str
    size: int
    unzipped: int
    sizes: Mapping[str, int]


def platforms(architecture: str) -> list[str]:
    """The wheel platforms that run in Lambda: glibc 2.26 up to Python 3.11, 2.34 from 3.12."""
    newest = 26 if sys.version_info < (3, 12) else 34
    machine = MACHINES[architecture]
    modern = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 16, -1)]
    return [*modern, f"manylinux2014_{machine}"]


def dependencies(architecture: str, requirements: Path = REQUIREMENTS) -> Path:
    """The folder of installed and compiled dependencies, made when these pins were never installed before."""
    left_out = f"{LEFT_OUT}{LEFT_OUT_OF_ARROW}{ASN1_MODULES}"
    wanted = f"{requirements.read_text()}{sys.version}{architecture}{left_out}{SERVICES}"
    place = BUILD / "dependencies" / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        folder = Path(scratch) / "site"
        _install(folder, architecture, requirements)
        _trim(folder)
        compile_tree(folder)
        try:
            folder.rename(place)
        except OSError:  # another run was faster
            if not place.exists():
                raise
    return place


def _install(folder: Path, architecture: str, requirements: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", PYTHON, "--target", str(folder)]
    for platform in platforms(architecture):
        command += ["--platform", platform]
    done = subprocess.run(
        [*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotPackaged(
            f"the dependencies could not be installed: {(errors or ['pip failed'])[-1]}"
        )


def _trim(folder: Path) -> None:
    """Remove what no function uses."""
    for pattern in LEFT_OUT:
        _remove(folder.glob(pattern) if "." not in pattern else folder.rglob(pattern))
    for pattern in LEFT_OUT_OF_ARROW:
        _remove((folder / "pyarrow").glob(pattern))
    modules = (folder / "pyasn1_modules").glob("*.py")
    _remove(one for one in modules if one.name not in ASN1_MODULES)
    for service in (folder / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_tree(folder: Path) -> None:
    """Reproducible bytecode for every module of the folder; one that does not compile is left as it is."""
    command = [sys.executable, "-S", "-m", "compileall", "-qq", "-s", str(folder), str(folder)]
    command += ["--invalidation-mode", "checked-hash"]  # a date would differ each time
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}
    subprocess.run(command, env=environment, check=False)


def pack(roots: Sequence[Path], target: Path) -> Archive:
    """Zip the contents of the folders together; NotPackaged when Lambda would refuse the result."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sizes: Counter[str] = Counter()
    unzipped = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = (
            (path.relative_to(root).as_posix(), path)
            for root in roots
            for path in root.rglob("*")
            if path.is_file()
        )
        for name, path in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())
            sizes[name.partition("/")[0]] += entry.compress_size
            unzipped += entry.file_size
    size = target.stat().st_size
    if size >= LARGEST_ZIP or unzipped >= LARGEST_UNZIPPED:
        raise NotPackaged(
            f"the zip has {size:,} bytes, {unzipped:,} unzipped;"
            f" Lambda takes {LARGEST_ZIP:,} and {LARGEST_UNZIPPED:,}"
        )
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return Archive(target, digest, size, unzipped, dict(sizes))
