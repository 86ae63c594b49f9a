"""`python -m tests.release_fixture`: the fixture of the version that this code is, under `tests/data/releases`.

It is written by this code, with its own stores on both engines, and never changed once the version was released: what
comes later is tested against it (tests/upgrade). Run before the release, it replaces the one of an earlier run. Needs
the emulator's environment (`python3 infra/environment.py dev ministack`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chalicelib import VERSION, bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.snapshot import SCHEMAS
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.rand import Rand
from infra.release.code import digest_of_code
from tests.aws_backend import MINISTACK, start_backend, stop_backend
from tests.http_api import ApiWorld
from tests.upgrade import kept, story
from tests.upgrade.answers import answers, asked
from tests.upgrade.aws_stored import taken
from tests.upgrade.hands import AwsHands, Hands, OneHostHands, PlayedSession
from tests.worlds import furnished

NOW = 1_796_040_000.0
SHARD = "shardId-00000000000000000001-a1b2c3d4"


def write(folder: Path) -> None:
    """Write all of it into an empty folder."""
    about = {"version": VERSION, "code": digest_of_code(kept.ROOT), "schemas": schemas()}
    kept.write_json(folder / "about.json", about)
    (folder / "templates").mkdir()
    for name in kept.TEMPLATES:
        shutil.copy(kept.ROOT / "infra" / name, folder / "templates" / name)
    with tempfile.TemporaryDirectory() as scratch:
        _one_host(folder / "one-host", Path(scratch) / "state")
        _aws(folder / "aws", Path(scratch))


def schemas() -> dict[str, int]:
    """The version of each database's schema."""
    return {name: len(versions) for name, versions in SCHEMAS.items()}


def _played(program: Posthorn, hands: Hands, folder: Path) -> None:
    """The story, what is known of it outside, and what the API says of it."""
    bootstrap.use(program)
    try:
        scene = bootstrap.run(furnished(program))
        facts, filled = story.tell(scene, hands)
        kept.write_json(folder / "answers.json", answers(ApiWorld(scene), asked(filled)))
        kept.write_json(folder / "facts.json", facts.as_json())
    finally:
        bootstrap.use(None)


def _one_host(folder: Path, state: Path) -> None:
    settings = Settings(state_folder=str(state))
    program = story.a_program(settings, "sqlite", NOW, {Rand: story.seeded()})
    _played(program, OneHostHands(program), folder)
    for kind in (MailDatabase, ControlDatabase):
        fetched(program[kind]._writer, "PRAGMA wal_checkpoint(TRUNCATE)")
        program[kind]._writer.close()
    kept.pack_state(state, folder / "state.tar.xz")


def _aws(folder: Path, scratch: Path) -> None:
    process, backend = start_backend(scratch)
    os.environ |= backend.variables
    try:
        settings = backend.settings("posthorn")
        session = PlayedSession(lambda: story.time_of(program))
        parts: dict[type[Any], Any] = {Rand: story.seeded(), AwsSession: session}
        program = story.a_program(settings, "aws", NOW, parts)
        hands = AwsHands(program, session, SHARD)
        _played(program, hands, folder)
        kept.write_stored(folder / "stored.json.xz", taken(settings, hands))
        session.close()
    finally:
        stop_backend(process, backend)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.release_fixture", description=__doc__)
    parser.add_argument("--into", type=Path, default=kept.RELEASES, help="the folder of releases")
    target = parser.parse_args(arguments).into / VERSION
    if target.exists() and kept.is_released(VERSION):
        print(
            f"posthorn: {VERSION} is out, and its fixture is never changed: say the next version first.",
            file=sys.stderr,
        )
        return 1
    if not MINISTACK.exists():
        print(
            "posthorn: the emulator is not installed: python3 infra/environment.py ministack.",
            file=sys.stderr,
        )
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / VERSION
        made.mkdir()
        write(made)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}  {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
