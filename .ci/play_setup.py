"""Plays the set-up where it is hardest: with the oldest pip that a supported Python brings, and nothing in HOME.

That pip also resolves each list as `pip install --require-hashes -r` does, without installing. Nothing of the
repository's own environments is touched. `python3.11 .ci/play_setup.py 26.3` plays it with another pip.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.environment import BASE, LAYERS, ROOT, SetupError, create, install, run

OLDEST = "22.3"  # of Python 3.11.0


def play(name: str, version: str, home: Path) -> None:
    """Set one layer up under `home`, beginning with that version of pip; SetupError says what fails."""
    layer = replace(LAYERS[name], folder=str(home / name))
    place, listed = Path(layer.folder), ROOT / layer.requirements
    create(place, BASE, f"{sys.version_info.major}.{sys.version_info.minor}")
    pip = (place / "bin/python", "-m", "pip")
    run(place, *pip, "install", f"pip=={version}")
    print(f"pip {version} resolves {layer.requirements} …", flush=True)
    run(place, *pip, "install", "--quiet", "--dry-run", "--require-hashes", "-r", listed)
    install(ROOT, layer)
    run(place, *pip, "check")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        try:
            for name in ("dev", "ministack"):
                play(name, (sys.argv[1:] or [OLDEST])[0], Path(home))
        except SetupError as error:
            sys.exit(f"posthorn: {error}")
