"""What `posthorn serve` writes to its standard output: a line of JSON a unit of work, text for a person, as much as its
level says; and mail goes on when nobody can take the lines.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from chalicelib.domain.log_lines import FIELDS
from tests.dns_zone import DnsZone
from tests.loopback import free_port
from tests.one_host import SERVE, OneHost
from tests.peers import SmtpPeer


class Writing(OneHost):
    """A server whose output goes where a test says."""

    outputs: tuple[BinaryIO | int, BinaryIO | int]

    def start(self) -> None:
        self.log.touch()
        out, error = self.outputs
        self.supervisor = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=self.environment, stdout=out, stderr=error
        )
        self.until(self.is_ready)


@dataclass
class Stage:
    """Where a server stands."""

    folder: Path
    zone: DnsZone
    peer: SmtpPeer

    @contextmanager
    def serving(self, out: Any, error: Any, **variables: object) -> Iterator[Writing]:
        """A server that writes to these files; it must end in order."""
        host = Writing(self.folder, self.zone, self.peer, **variables)
        host.outputs = out, error
        with host:
            yield host
        assert host.supervisor is not None
        assert host.supervisor.returncode == 0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        yield Stage(tmp_path, zone, peer)


def played(stage: Stage, level: str) -> list[str]:
    """The lines of a server that took a message, delivered it, and refused a stranger."""
    out, error = stage.folder / "out", stage.folder / "error"
    with (
        out.open("wb") as first,
        error.open("wb") as second,
        stage.serving(first, second, LOG_LEVEL=level) as host,
    ):
        host.send("john@example.com")
        stage.peer.wait_for_mails(1)
        with host.client() as client:
            client.ehlo()
            assert client.docmd("AUTH", "PLAIN AHgAeA==")[0] == 535
    assert error.read_text().startswith("posthorn serves: ")
    assert error.read_text().count("\n") == 1
    return out.read_text().splitlines()


def test_each_unit_of_work_is_one_line_of_declared_fields(stage: Stage) -> None:
    lines = [json.loads(line) for line in played(stage, "info")]
    assert {name for line in lines for name in line} <= set(FIELDS)
    assert {line["level"] for line in lines} == {"info", "warning"}
    assert all(isinstance(line["time"], float) for line in lines)
    (taken,) = [line for line in lines if line.get("event") == "transaction"]
    (number,) = taken["message_ids"]
    (attempt,) = [line for line in lines if line.get("text") == "attempt"]
    assert (attempt["message_id"], attempt["outcome"]) == (number, "Sent")
    batches = [line for line in lines if line.get("unit") == "deliver"]
    assert [(line["outcome"], line["left"]) for line in batches] == [("ok", 0)]
    text = json.dumps(lines)
    assert "@" not in text
    assert "example.com" not in text


def test_the_level_leaves_out_what_weighs_less(stage: Stage) -> None:
    lines = [json.loads(line) for line in played(stage, "warning")]
    assert {line["level"] for line in lines} == {"warning"}
    assert [line["event"] for line in lines if "event" in line] == ["auth_failed"]


def test_a_person_at_a_terminal_reads_text(stage: Stage) -> None:
    ours, theirs = pty.openpty()
    error = stage.folder / "error"
    with (
        error.open("wb") as second,
        closing(os.fdopen(ours, "rb", buffering=0)) as terminal,
        stage.serving(theirs, second) as host,
    ):
        os.close(theirs)
        host.send("john@example.com")
        stage.peer.wait_for_mails(1)
        text = ""
        while " attempt " not in text:
            text += terminal.read(4096).decode()
    words = [line.split() for line in text.splitlines()]
    assert ["info", "transaction", "accepted"] in [some[1:4] for some in words]
    assert not any(some[0].startswith("{") for some in words)


@pytest.mark.parametrize("how", ["the disk is full", "the reader is gone"])
def test_mail_goes_on_when_nobody_can_take_the_lines(stage: Stage, how: str) -> None:
    if how == "the disk is full":
        out = os.open("/dev/full", os.O_WRONLY)
    else:
        read, out = os.pipe()
        os.close(read)
    port = free_port()
    try:
        with stage.serving(out, out, HTTP_PORT=port) as host:
            for number in range(3):
                host.send("john@example.com", subject=f"Number {number}")
            stage.peer.wait_for_mails(3)
            processes = host.processes()
            host.kill_processes()
            host.until(lambda: not set(processes) & set(host.processes()) and host.is_ready())
            host.send("john@example.com")
            stage.peer.wait_for_mails(4)
    finally:
        os.close(out)
