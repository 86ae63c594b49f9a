"""The fixtures of released versions as they lie under `tests/data/releases`, written and read.

A folder a version: `about.json`, the templates of its stacks as they were, and for each engine `facts.json` and
`answers.json` beside what was stored: a state folder as `state.tar.xz`; tables, objects, queues, stream and data keys
as `stored.json.xz`.
"""

from __future__ import annotations

import base64
import io
import json
import lzma
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from infra.release.code import VERSION, order_of

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ROOT / "tests" / "data" / "releases"
ENGINES = ("one-host", "aws")
TEMPLATES = (
    *("data.yaml", "egress.yaml", "functions.merge.yaml", "gateway.yaml"),
    *("nat.yaml", "network.yaml", "tracking.yaml"),
)
FILES = (
    "about.json",
    *(f"templates/{name}" for name in TEMPLATES),
    *(f"{engine}/{name}.json" for engine in ENGINES for name in ("facts", "answers")),
    "one-host/state.tar.xz",
    "aws/stored.json.xz",
)
LARGEST = 1_000_000
_BYTES = "base64"
# Of a state folder: what is made anew by whoever opens it.
_NOT_KEPT = ("run", "lock", "search.lock", "search.db")


def versions() -> list[str]:
    """Those that have a folder, the oldest first."""
    names = [one.name for one in RELEASES.iterdir() if VERSION.fullmatch(one.name)]
    return sorted(names, key=order_of)


def is_released(version: str, root: Path = ROOT) -> bool:
    """Whether it has a tag; not so in sources that are no repository."""
    return bool(_git(root, "tag", "--list", f"v{version}"))


def changed_since(version: str, root: Path = ROOT) -> bool:
    """Whether the fixture of a version that has a tag is another than under that."""
    folder = (RELEASES / version).relative_to(ROOT).as_posix()
    return bool(_git(root, "status", "--porcelain", folder)) or _git(
        root, "rev-parse", f"v{version}:{folder}"
    ) != _git(root, "rev-parse", f"HEAD:{folder}")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ("git", "-C", str(root), *arguments), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def write_json(path: Path, value: Any) -> None:
    """A text that shows in a comparison what has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def pack_state(state: Path, target: Path) -> None:
    """A state folder that nobody has open."""
    with tarfile.open(target, "w:xz", preset=9) as tar:
        for path in sorted(state.rglob("*")):
            name = path.relative_to(state)
            if name.parts[0] in _NOT_KEPT or not path.is_file():
                continue
            info = tarfile.TarInfo(name.as_posix())
            info.size, info.mode = path.stat().st_size, 0o600
            tar.addfile(info, io.BytesIO(path.read_bytes()))


def unpack_state(source: Path, state: Path) -> None:
    """Make it again."""
    state.mkdir(mode=0o700)
    with tarfile.open(source) as tar:
        tar.extractall(state, filter="data")
    for path in state.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def write_stored(path: Path, value: Any) -> None:
    """JSON, whose bytes are base64."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, default=_as_text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode(), preset=9))


def read_stored(path: Path) -> Any:
    """As it was given, but that pairs are lists."""
    return json.loads(lzma.decompress(path.read_bytes()), object_hook=_as_bytes)


def _as_text(value: Any) -> Any:
    assert isinstance(value, bytes | bytearray), type(value)
    return {_BYTES: base64.b64encode(value).decode()}


def _as_bytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value
