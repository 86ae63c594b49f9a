"""Backups taken in a loop beside a process that stores and delivers mail without pause: each has every message that
was acknowledged before it began, byte for byte."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from tests.integration.onehost.conftest import Run
from tests.kept_mail import opened
from tests.patience import PATIENCE

ROUNDS = 5

PROGRAM = """
import asyncio, hashlib, random, sys
from pathlib import Path
from tests.kept_mail import make_host

async def store(host, told):
    while True:
        words = random.randbytes(random.choice((10, 1000, 30_000))).hex()
        (message,) = await host.accept(words=words)
        digest = hashlib.sha256(words.encode()).hexdigest()
        told.write(f"{message.id} {digest}\\n")
        told.flush()
        if message.id % 3 == 0:
            await host.finish(message)

async def main():
    host = await make_host(Path(sys.argv[1]))
    with open(sys.argv[2], "w") as told:
        await asyncio.gather(*(store(host, told) for _ in range(8)))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_each_backup_has_what_was_acknowledged(
    state: Path, tmp_path: Path, posthorn: Run
) -> None:
    acknowledged, saved = tmp_path / "acknowledged", tmp_path / "saved"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(state), str(acknowledged)])
    try:
        seen = 0
        for number in range(ROUNDS):
            before = _wait_for(acknowledged, seen + 50)
            seen = len(before)
            taken = posthorn("backup", str(saved), "--state", str(state), "--json")
            assert (taken.code, taken.json["missing"]) == (0, [])
            assert process.poll() is None
            await _has(before, saved, tmp_path / f"other{number}", state / "key", posthorn)
    finally:
        process.kill()
        process.wait()


def _wait_for(acknowledged: Path, count: int) -> list[str]:
    """The lines that are whole, once there are so many."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        text = acknowledged.read_text() if acknowledged.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        if len(lines) >= count:
            return lines
        time.sleep(0.05)
    raise AssertionError(f"only {len(lines)} messages were stored")


async def _has(before: list[str], saved: Path, other: Path, key: Path, posthorn: Run) -> None:
    other.mkdir(mode=0o700)
    shutil.copy2(key, other / "key")
    restored = posthorn("restore", str(saved), "--state", str(other))
    assert (restored.code, restored.err) == (0, "")
    assert posthorn("check", "--full", "--state", str(other)).out == "no faults\n"
    again = opened(other)
    for line in before:
        number, digest = line.split()
        record = await again[MessageStore].get(ServerId(1), MessageId(int(number)))
        body = await again[BlobStore].get(record.message.blob)
        words = body.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        assert hashlib.sha256(words).hexdigest() == digest
