"""However much large mail a batch brings, a delivering process holds a bounded part of it: measured, not counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.large_mail import write_bodies

MIB = 1024 * 1024
LARGEST = 35 * MIB
HANG_SECONDS = 900  # only against a hang

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux tells a process's own peak, and has all of 127.0.0.0/8",
)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Eight different bodies of 35 MiB."""
    folder = tmp_path_factory.mktemp("bodies")
    write_bodies(folder, LARGEST, 8)
    yield folder
    for file in folder.iterdir():
        file.unlink()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a receiver in a process of its own."""
    command = [sys.executable, "-m", "tests.large_mail", "receive"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def deliver(folder: Path, port: int, kind: str, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.large_mail", "deliver", folder, str(port), kind, str(count)],
        stdout=subprocess.PIPE,
        timeout=HANG_SECONDS,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_fifty_recipients_of_one_large_message_share_its_bytes(bodies: Path, port: int) -> None:
    """All fifty at once, over TLS, with receivers that have stopped reading."""
    found = deliver(bodies, port, "one", 50)
    assert (found["tried"], found["left"], found["reads"]) == (50, 0, 1)
    assert found["mib"] < 200


def test_different_large_messages_wait_for_room(bodies: Path, port: int) -> None:
    """Eight of them are 280 MiB; a quarter of 512 MiB may be in hand."""
    found = deliver(bodies, port, "each", 8)
    assert (found["tried"], found["left"], found["reads"]) == (8, 0, 8)
    assert found["mib"] < 280


def test_copies_with_links_of_their_own_wait_for_room(bodies: Path, port: int) -> None:
    """Each recipient's copy is another one; making one takes two more for a moment."""
    found = deliver(bodies, port, "tracked", 5)
    assert (found["tried"], found["left"]) == (5, 0)
    assert found["mib"] < 280
