"""An authority that speaks ACME, one host whose SMTP needs a certificate, and how both are looked at from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acme.network import Programs, own_network
from tests.certificates import PairFiles, fingerprint, new_pair
from tests.dns_zone import DnsZone
from tests.gateway_scene import trusting_context
from tests.one_host import OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

ROOT = Path(__file__).resolve().parents[2]
HOST, VIEW, TRACK = "mail.example.com", "view.mail.example.com", "track.mail.example.com"
CUSTOMER, STRANGER = "go.acme.test", "stranger.example.org"
CA = "ca.test"
DIRECTORY = f"https://{CA}:14443/acme/local/directory"
CADDYFILE_OF_CA = f"""\
{{
	admin off
	skip_install_trust
	http_port 14080
	https_port 14443
}}
https://{CA} {{
	tls internal
	acme_server
}}
"""
COMMAND = """\
#!/bin/sh
exec env PYTHONPATH='{path}' {python} -c 'import sys; from onehost.main import main; sys.exit(main(sys.argv[1:]))' "$@"
"""


@dataclass
class Scene:
    """What runs, and where it keeps things."""

    folder: Path
    programs: Programs
    host: OneHost
    zone: DnsZone
    files: PairFiles

    @property
    def root(self) -> Path:
        """Whom clients trust."""
        return self.folder / "ca/caddy/pki/authorities/local/root.crt"

    @property
    def storage(self) -> Path:
        """Of Caddy in front."""
        return self.folder / "front/caddy"

    @property
    def command(self) -> Path:
        """The command `posthorn` as an installed one."""
        return self.folder / "posthorn"

    @property
    def settings(self) -> dict[str, str]:
        """Of this host, as variables."""
        found = self.host.environment.items()
        return {name: value for name, value in found if name.startswith("POSTHORN_")}

    def posthorn(self, *arguments: str) -> Any:
        """What a command says in JSON; it may find faults."""
        done = subprocess.run(
            [self.command, *arguments, "--json"],
            env=self.settings | {"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def trusting_the_ca(self) -> ssl.SSLContext:
        """As a client that checks certificates."""
        return ssl.create_default_context(cafile=self.root)

    def shown_by_smtp(self) -> str:
        """The certificate that who connects to SMTP meets."""
        with self.host.client() as client:
            client.starttls(context=trusting_context())
            return shown(client)

    def smtp_is_trusted(self) -> None:
        """A client that checks certificates takes that of SMTP, with what stands between it and the authority."""
        with self.host.client() as client:
            client._host = HOST  # type: ignore[attr-defined]  # the name in the certificate
            client.starttls(context=self.trusting_the_ca())

    def get(self, name: str, path: str = "/") -> tuple[int, bytes]:
        """Status and body by HTTPS, with the certificate checked."""
        with socket.create_connection(("127.0.0.1", 443), PATIENCE) as plain:
            client = http.client.HTTPSConnection(name, timeout=PATIENCE)
            client.sock = self.trusting_the_ca().wrap_socket(plain, server_hostname=name)
            with contextlib.closing(client):
                client.request("GET", path)
                answer = client.getresponse()
                return answer.status, answer.read()

    def start_front(self) -> None:
        """Caddy by the file of the repository, which is told of the authority alone."""
        shipped = (ROOT / "infra/onehost/Caddyfile").read_text()
        ours = f"\tadmin off\n\tacme_ca {DIRECTORY}\n\tacme_ca_root {self.root}\n"
        file = self.folder / "Caddyfile"
        file.write_text(shipped.replace("{\n", f"{{\n{ours}", 1))
        home = {"HOME": self.folder, "XDG_DATA_HOME": self.folder / "front"}
        command = ["caddy", "run", "--config", file, "--adapter", "caddyfile"]
        self.programs.start("front", command, **home)
        self.until(lambda: all(self.is_served(name) for name in (HOST, VIEW, TRACK)), "front")

    def is_served(self, name: str) -> bool:
        """Whether somebody answers by HTTPS with a certificate of the authority."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get(name)[0] < 500
        return False

    def until(self, is_so: Callable[[], bool], log: str) -> None:
        """Wait for something; fails with a program's log."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, self.programs.log(log).read_text()[-8_000:]
            time.sleep(0.05)


def shown(client: smtplib.SMTP) -> str:
    """The certificate of a session."""
    assert isinstance(client.sock, ssl.SSLSocket)
    return fingerprint(client.sock.getpeercert(binary_form=True))


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """The authority, and one host that serves with a self-signed certificate."""
    names = (CA, HOST, VIEW, TRACK, CUSTOMER, STRANGER)
    with own_network(), DnsZone() as zone, SmtpPeer().in_thread() as peer:
        programs, files = Programs(folder, names), PairFiles(folder / "etc")
        files.folder.mkdir()
        files.replace(new_pair(HOST))
        for name in (HOST, VIEW, TRACK):
            zone.a(name, "127.0.0.1")
        host = OneHost(
            folder,
            zone,
            peer,
            SMTP_HOSTNAME=HOST,
            WEB_HOSTNAME=HOST,
            TRACK_DOMAIN=TRACK,
            HTTP_PORT=8000,
            HEALTH_PORT=8025,
            HTTP_PROXY_NETWORKS="127.0.0.1/32",
            TLS_CERTIFICATE=files.certificate,
            TLS_KEY=files.key,
            ALLOW_PRIVATE_DESTINATIONS="1",
            CA_FILE=folder / "ca/caddy/pki/authorities/local/root.crt",
        )
        found = Scene(folder, programs, host, zone, files)
        text = COMMAND.format(path=":".join(filter(None, sys.path)), python=sys.executable)
        found.command.write_text(text)
        found.command.chmod(0o755)
        try:
            _start_ca(found)
            with host:
                yield found
        finally:
            programs.stop_all()


def _start_ca(found: Scene) -> None:
    file = found.folder / "Caddyfile.ca"
    file.write_text(CADDYFILE_OF_CA)
    home = {"HOME": found.folder, "XDG_DATA_HOME": found.folder / "ca"}
    command = ["caddy", "run", "--config", file, "--adapter", "caddyfile"]
    found.programs.start("ca", command, **home)

    def is_there() -> bool:
        try:
            with (
                socket.create_connection(("127.0.0.1", 14443), 1) as plain,
                found.trusting_the_ca().wrap_socket(plain, server_hostname=CA),
            ):
                return True
        except OSError:
            return False

    found.until(is_there, "ca")
