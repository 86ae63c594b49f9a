"""`make client`: the wheel of the Python client, under `build/`; prints where it is.

It has nothing of Posthorn in it and needs nothing but Python. Uses pip and setuptools of this environment alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.environment import ROOT

SOURCES = ROOT / "clients" / "python"


def build_wheel(folder: Path) -> Path:
    """The wheel, built into a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        # setuptools builds in place, and leaves things there.
        copy = Path(scratch) / "sources"
        shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
        pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q")
        made = Path(scratch) / "made"
        subprocess.run([*pip, "--wheel-dir", made, copy], check=True)
        (wheel,) = made.glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, folder))


if __name__ == "__main__":
    print(build_wheel(ROOT / "build"))
