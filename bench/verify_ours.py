"""Posthorn as it takes and checks incoming mail: in memory (`bench.verify_server`), and `posthorn serve`, durable.

Both tell how many messages they are done with, and whether SPF, DKIM and DMARC passed.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from bench.durable import LOG, serve
from bench.relay_peers import Relay
from bench.smtp_peers import ROOT, MailServer, wait_for_greeting
from bench.tenant import Tenant
from bench.verify_load import PROXY
from bench.verify_server import PROXIES, has_passed, make_receiver
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import State
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.messages import MessageStore
from tests.loopback import free_port

_NUMBERS = re.compile(rb'"message_ids":\[([\d,]+)\]')


class MemoryReceiver(Relay):
    """The running server; the last line of its log counts."""

    def __init__(self, port: int, server: MailServer, log: Path) -> None:
        super().__init__("Posthorn in memory", port, [server])
        self._log = log

    def done(self) -> int:
        """Messages done with since it started."""
        return self._counts()[0]

    def passed(self) -> int:
        """Those of them that passed every check."""
        return self._counts()[1]

    def _counts(self) -> tuple[int, int]:
        lines = self._log.read_text().split("\n")[:-1]
        done, passed = lines[-1].split() if lines else ("0", "0")
        return int(done), int(passed)


class DurableReceiver(Relay):
    """The running program. Its log has the numbers of what it took, its store what became of that."""

    def __init__(
        self, port: int, server: MailServer, log: Path, program: Posthorn, tenant: Tenant
    ) -> None:
        super().__init__("Posthorn, durable", port, [server])
        self._log = log
        self._messages = program[MessageStore]
        self._server_id = tenant.server.id
        self._done: dict[int, bool] = {}

    @classmethod
    def started(cls, folder: Path, name_server: str) -> DurableReceiver:
        """A new state folder in `folder`, served."""
        state = folder / "state"
        program = Posthorn(Settings(state_folder=str(state)), "sqlite")
        tenant = asyncio.run(make_receiver(program))
        port = free_port()
        variables = {
            "STATE_FOLDER": state,
            "DNS_SERVER": name_server,
            "MX_PORT": port,
            "SUBMISSION_PORT": -1,
            "SUBMISSIONS_PORT": -1,
            "PROXY_NETWORKS": PROXIES,
            "HTTP_PORT": 0,
            "HEALTH_PORT": free_port(),
            "PROCESSES": 1,
        }
        server, _ = serve(folder, variables, port, PROXY)
        return cls(port, server, folder / LOG, program, tenant)

    def done(self) -> int:
        """Messages done with since it started."""
        taken = {
            int(number)
            for numbers in _NUMBERS.findall(self._log.read_bytes())
            for number in numbers.split(b",")
        }
        refs = [(self._server_id, MessageId(number)) for number in taken - self._done.keys()]
        for record in asyncio.run(self._messages.get_many(refs)) if refs else ():
            if record.state is State.DONE:
                self._done[record.message.id] = has_passed(record)
        return len(self._done)

    def passed(self) -> int:
        """Those of them that passed every check."""
        self.done()
        return sum(self._done.values())


def start_memory(folder: Path, name_server: str) -> MemoryReceiver:
    """Our server in memory, which asks this name server."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'smtp-gateway'}"}
    log = folder / "verify.log"
    with log.open("wb") as output, (folder / "errors.log").open("wb") as errors:
        command = [sys.executable, "-m", "bench.verify_server"]
        command += ["--port", str(port), "--dns", name_server]
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment, cwd=ROOT)
    wait_for_greeting(port, process, said=PROXY)
    return MemoryReceiver(port, MailServer("ours", port, process), log)


start_durable = DurableReceiver.started
