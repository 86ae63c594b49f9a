"""A host on which all is well, as `posthorn doctor` sees it, for tests that break one thing of it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.certificates import Authority, PairFiles
from tests.dns_zone import DnsZone
from tests.integration.onehost.conftest import Outcome, Run
from tests.loopback import free_port
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

NAME, ADDRESS = "mail.acme.test", "192.0.2.9"
NTP_EPOCH = 2_208_988_800


@dataclass
class SoundHost:
    """Settings, state folder, DNS, a mail server of the world, and a clock that is `ahead` by so many seconds."""

    folder: Path
    run: Run
    zone: DnsZone
    peer: SmtpPeer
    clock: TimeServer
    settings: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def file(self) -> Path:
        return self.folder / "posthorn.toml"

    def doctor(self, *more: str) -> Outcome:
        """What the command finds."""
        return self.run(*self.command, *more)

    def doctor_in_a_process(self, before: Callable[[], None]) -> Outcome:
        """The same in a process of its own, in which something is done first."""
        program = "import sys; from onehost.main import main; sys.exit(main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", program, *self.command],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=before,  # a limit is set for the child alone
            timeout=PATIENCE,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @property
    def command(self) -> list[str]:
        self.write()
        options = [word for pair in self.arguments.items() for word in pair]
        return ["doctor", "--config", str(self.file), *options]

    def write(self) -> None:
        """The settings file as the settings are."""
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()]
        self.file.write_text("".join(lines))

    @contextmanager
    def served(self) -> Iterator[None]:
        """Somebody holds the supervisor's lock meanwhile."""
        path = self.state / "run" / "supervisor.lock"
        path.write_text(json.dumps({"pid": os.getpid(), "started_at": time.time() - 90}))
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        path.write_text("")


class TimeServer:
    """An NTP server on loopback, `ahead` of this host's clock by so many seconds; silent when `answers` is not set."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.answers = True
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                request, client = self._socket.recvfrom(512)
            except OSError:
                return
            seconds = time.time() + self.ahead + NTP_EPOCH
            moment = struct.pack(">II", int(seconds), int(seconds % 1 * 2**32))
            if self.answers and len(request) == 48:
                self._socket.sendto(b"\x24" + bytes(39) + moment, client)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def sound_host(folder: Path, run: Run) -> Iterator[SoundHost]:
    """The host, set up by `posthorn init`."""
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        clock = TimeServer()
        host = SoundHost(folder, run, zone, peer, clock)
        PairFiles(folder).replace(Authority().pair(NAME, made_at=time.time() - 60))
        host.settings = {
            "state_folder": str(host.state),
            "smtp_hostname": NAME,
            "web_hostname": f"web.{NAME}",
            "return_path_domain": f"rp.{NAME}",
            "spf_include": f"spf.{NAME}",
            "track_domain": f"track.{NAME}",
            "postmaster": f"postmaster@{NAME}",
            "system_server": "main/main",
            "system_from": f"posthorn@{NAME}",
            "dns_server": zone.server,
            "delivery_port": peer.port,
            "mx_port": free_port(),
            "submission_port": free_port(),
            "submissions_port": -1,
            "http_port": free_port(),
            "health_port": -1,
            "tls_certificate": str(folder / "certificate.pem"),
            "tls_key": str(folder / "key.pem"),
        }
        host.arguments = {
            "--address": ADDRESS,
            "--mx": "world.test",
            "--time-from": f"127.0.0.1:{clock.port}",
        }
        host.write()
        outcome = run("init", "--config", str(host.file), "--json")
        assert outcome.code == 0, outcome.err
        publish(zone, outcome.json["records"])
        yield host
        clock.close()


def publish(zone: DnsZone, records: list[dict[str, str]]) -> None:
    """What `posthorn init` said, and a mail server of the world."""
    zone.mx("world.test", (10, "mx.world.test"))
    zone.a("mx.world.test", "127.0.0.1")
    zone.a(NAME, ADDRESS)
    zone.ptr(ADDRESS, NAME)
    for record in records:
        name, value = record["name"], record["value"]
        if record["type"] == "CNAME":
            zone.cname(name, value)
        elif record["type"] == "TXT":
            zone.txt(name, value)
        elif record["type"] == "MX":
            preference, host = value.split()
            zone.mx(name, (int(preference), host))
