"""`posthorn serve` as tests run it: in processes of its own, on free ports, with a tenant, a peer and a DNS.

with DnsZone() as zone, SmtpPeer().in_thread() as peer, OneHost(folder, zone, peer) as host:
    host.send("john@example.com")
    peer.wait_for_mails(1)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from tests.dns_zone import DnsZone
from tests.loopback import free_port
from tests.patience import PATIENCE
from tests.peers import SmtpPeer
from tests.tenants import make_tenant

SERVE = "import os, sys; from onehost.serve import serve; sys.exit(serve(os.environ))"
COMMAND = "import sys; from onehost.main import main; sys.exit(main(['serve']))"
TICK = 0.02


def refusal(environment: Mapping[str, str]) -> str:
    """The one sentence with which `posthorn serve`, as a process of its own, ends with 1."""
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND],
        env=dict(environment) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith("posthorn: ")
    assert sentence.endswith(".")
    return sentence


class OneHost:
    """A state folder, and the program that serves it between `start` and `stop`."""

    def __init__(self, folder: Path, zone: DnsZone, peer: SmtpPeer, **variables: object) -> None:
        self.folder = folder / "state"
        self.log = folder / "serve.log"
        self.submission = free_port()
        self._variables = {
            "STATE_FOLDER": self.folder,
            "DNS_SERVER": zone.server,
            "DELIVERY_PORT": peer.port,
            "ALLOW_PRIVATE_DELIVERY": "1",
            "ALLOW_PLAIN_AUTH": "1",
            "MX_PORT": "-1",
            "SUBMISSION_PORT": self.submission,
            "SUBMISSIONS_PORT": "-1",
            "HTTP_PORT": "-1",
            "HEALTH_PORT": "-1",
            "PROCESSES": "1",
        } | variables
        self.program = Posthorn(Settings(state_folder=str(self.folder)), "sqlite")
        self.server, self.key = asyncio.run(make_tenant(self.program, CredentialKind.SMTP))
        self.supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.supervisor is not None and self.supervisor.poll() is None:
            self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the program."""
        ours = {f"POSTHORN_{name}": str(value) for name, value in self._variables.items()}
        return os.environ | ours | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def start(self) -> None:
        """Start serving; returns when mail is taken."""
        with self.log.open("ab") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-c", SERVE], env=self.environment, stdout=log, stderr=log
            )
        self.until(self.is_ready)

    def stop(self) -> int:
        """Let it finish what is in hand; the exit code."""
        assert self.supervisor is not None
        self.supervisor.send_signal(signal.SIGTERM)
        return self.supervisor.wait(PATIENCE)

    def kill_processes(self) -> list[int]:
        """SIGKILL for every serving process; which they were."""
        killed = self.processes()
        for number in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return killed

    def processes(self) -> list[int]:
        """The numbers of the serving processes."""
        assert self.supervisor is not None
        children = Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def is_ready(self) -> bool:
        """Whether clients are greeted."""
        assert self.supervisor is not None
        assert self.supervisor.poll() is None, self.log.read_text()
        try:
            with self.client():
                return True
        except (OSError, smtplib.SMTPException):
            return False

    def client(self) -> smtplib.SMTP:
        """A connection that waits its turn while nobody accepts."""
        return smtplib.SMTP("127.0.0.1", self.submission, "client.test", timeout=PATIENCE)

    def send(self, *recipients: str, subject: str = "Hello") -> None:
        """Submit one message; it was taken when this returns."""
        with self.client() as client:
            client.login("acme/app", self.key)
            content = (
                f"From: hello@acme.test\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\nHi\r\n"
            )
            client.sendmail("hello@acme.test", recipients, content)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something; fails with the program's log."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(TICK)

    def read(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of mail.db as they are now."""
        from chalicelib.adapters.sqlite.database import fetched
        from chalicelib.adapters.sqlite.mail_schema import MailDatabase

        return self.program[MailDatabase].read(lambda db: fetched(db, statement, values))
