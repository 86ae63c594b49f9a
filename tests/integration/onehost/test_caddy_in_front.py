"""Caddy in front, by the example of `infra/onehost/Caddyfile`: the API, tracked links and uploads through real Caddy,
and certificates of customers' names, which it asks for.

Only where it listens is changed, and that it makes certificates itself. Skipped where Caddy is not installed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus
from chalicelib.ports.repository import Repository
from chalicelib.services.tracking.domains import TrackDomains
from onehost.options import Options
from onehost.web import track_hosts
from onehost.web.application import Web
from onehost.web.health import HealthPort
from tests.http_api import Reply
from tests.integration.onehost.conftest import WebTenant, make_tenant
from tests.integration.onehost.test_web_tracking import mail
from tests.loopback import free_port
from tests.patience import PATIENCE
from tests.tracking_scene import BROWSER, LINKS, TrackedMail
from tests.web_client import serving_web

__all__ = ["mail"]

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is absent (Debian: caddy)"),
]
EXAMPLE = Path(__file__).resolve().parents[3] / "infra" / "onehost" / "Caddyfile"
API, TRACKING = "mail.example.com", "track.mail.example.com"
CUSTOMER = "go.acme.test"
CLIENT = "127.0.0.5"
LARGE = bytes(range(256)) * 80_000  # 20 MB


@dataclass
class Caddy:
    """Caddy, seen by a client at an address of its own."""

    port: int
    plain_port: int
    trusted: ssl.SSLContext

    def plainly(self, host: str, target: str) -> Reply:
        """One GET without TLS."""
        client = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=PATIENCE)
        with contextlib.closing(client):
            client.request("GET", target, headers={"host": host})
            answer = client.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())

    def call(
        self,
        method: str,
        host: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request over HTTPS, with the certificate checked."""
        where = ("127.0.0.1", self.port)
        with socket.create_connection(where, PATIENCE, source_address=(CLIENT, 0)) as plain:
            client = http.client.HTTPSConnection(host, timeout=PATIENCE)
            client.sock = self.trusted.wrap_socket(plain, server_hostname=host)
            with contextlib.closing(client):
                client.request(method, target, body, dict(headers or {}))
                answer = client.getresponse()
                fields = {name.lower(): value for name, value in answer.getheaders()}
                return Reply(answer.status, fields, answer.read())


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[WebTenant]:
    """The tenant behind a server that believes what `posthorn init` says it may."""
    names = {"web_hostname": API, "track_domain": TRACKING}
    made = bootstrap.run(make_tenant(tmp_path / "state", **names))
    web = Web(made.posthorn, Options(http_proxy_networks="127.0.0.1/32"))
    with serving_web(web) as made.port:
        yield made


@pytest.fixture
def health(tenant: WebTenant) -> Iterator[int]:
    """Where Caddy asks."""
    with serving_web(HealthPort(tenant.posthorn)) as port:
        yield port


@pytest.fixture
def caddy(tenant: WebTenant, health: int, tmp_path: Path) -> Iterator[Caddy]:
    """Caddy in front of it."""
    port, plain_port = free_port(), free_port()
    example = EXAMPLE.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{tenant.port}")
    example = example.replace("127.0.0.1:8025", f"127.0.0.1:{health}")
    file, log = tmp_path / "Caddyfile", tmp_path / "caddy.log"
    ours = f"local_certs\nskip_install_trust\nadmin off\nhttps_port {port}\nhttp_port {plain_port}"
    file.write_text(example.replace("{\n", f"{{\n{ours}\n", 1))
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    command = ["caddy", "run", "--config", file, "--adapter", "caddyfile"]
    root = tmp_path / "data/caddy/pki/authorities/local/root.crt"
    with log.open("wb") as output:
        program = subprocess.Popen(command, env=home | PATH, stdout=output, stderr=output)
    try:
        certificates = tmp_path / "data/caddy/certificates/local"
        deadline = time.monotonic() + PATIENCE
        while not all((certificates / name / f"{name}.json").exists() for name in (API, TRACKING)):
            assert program.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Caddy(port, plain_port, ssl.create_default_context(cafile=root))
    finally:
        program.terminate()
        program.wait(PATIENCE)


PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def test_the_example_is_valid(tmp_path: Path) -> None:
    command = ["caddy", "validate", "--config", EXAMPLE, "--adapter", "caddyfile"]
    done = subprocess.run(
        command, env=PATH | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Valid configuration" in done.stdout + done.stderr


def test_mail_is_sent_through_it_with_a_large_upload(tenant: WebTenant, caddy: Caddy) -> None:
    said = {"authorization": f"Bearer {tenant.api_key}", "content-type": "application/json"}
    order = json.dumps({"size": len(LARGE)}).encode()
    made = caddy.call("POST", API, "/api/v2/uploads", order, said)
    assert made.status == 201, made.body
    place = urlsplit(made.json["url"])
    assert place.hostname == API
    put = caddy.call(made.json["method"], API, place.path, LARGE, made.json["headers"])
    assert put.status == 200
    letter = {"from": "app@acme.test", "to": "x@example.com", "subject": "Large", "text": "Here"}
    file = {"filename": "a", "content_type": "image/png", "upload": made.json["id"]}
    order = json.dumps({**letter, "attachments": [file]}).encode()
    sent = caddy.call("POST", API, "/api/v2/emails", order, said)
    assert sent.status == 202, sent.body
    asked = caddy.call("GET", API, f"/api/v2/emails/{sent.json['id']}/raw", None, said)
    assert asked.status == 303
    raw = caddy.call("GET", API, urlsplit(asked.headers["location"]).path)
    assert len(raw.body) > len(LARGE)


def test_a_reader_s_address_is_what_caddy_saw(
    tenant: WebTenant, mail: TrackedMail, caddy: Caddy
) -> None:
    headers = {"user-agent": BROWSER, "x-forwarded-for": "203.0.113.9"}  # forged
    opened = caddy.call("GET", TRACKING, mail.image, None, headers)
    assert (opened.status, opened.headers["content-type"]) == (200, "image/png")
    clicked = caddy.call("GET", TRACKING, mail.link(1), None, headers)
    assert (clicked.status, clicked.headers["location"]) == (307, LINKS[0])
    activity = bootstrap.run(mail.activity())
    assert {one.address for one in (*activity.opens, *activity.clicks)} == {CLIENT}
    api = caddy.call("GET", TRACKING, "/api/v2/openapi.json")
    assert api.headers["content-type"].startswith("text/plain")


def test_a_customer_s_name_gets_a_certificate_and_a_stranger_s_none(
    tenant: WebTenant, mail: TrackedMail, caddy: Caddy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_hosts, "LOOK_AGAIN_SECONDS", 0.0)
    with pytest.raises(ssl.SSLError):
        caddy.call("GET", CUSTOMER, "/")
    bootstrap.run(customer_s_name(tenant))
    clicked = caddy.call("GET", CUSTOMER, mail.link(1), None, {"user-agent": BROWSER})
    assert (clicked.status, clicked.headers["location"]) == (307, LINKS[0])
    for stranger in ("example.org", "mail.acme.test", f"x.{CUSTOMER}"):
        with pytest.raises(ssl.SSLError):
            caddy.call("GET", stranger, "/")


def test_without_tls_only_links_work(mail: TrackedMail, caddy: Caddy) -> None:
    clicked = caddy.plainly(CUSTOMER, mail.link(1))
    assert (clicked.status, clicked.headers["location"]) == (307, LINKS[0])
    assert caddy.plainly(CUSTOMER, mail.image).headers["content-type"] == "image/png"
    for host, target in ((CUSTOMER, "/"), (CUSTOMER, "/api/v2/emails"), (API, "/login")):
        sent_on = caddy.plainly(host, target)
        assert sent_on.status == 308
        where = urlsplit(sent_on.headers["location"])
        assert (where.scheme, where.hostname, where.path) == ("https", host, target)


async def customer_s_name(tenant: WebTenant) -> None:
    """A track domain that was found in DNS."""
    track = await tenant.posthorn[TrackDomains].add(tenant.server, "go", "acme.test")
    place, repository = TRACK_DOMAINS.place(track), tenant.posthorn[Repository]
    await repository.modify(TRACK_DOMAINS, place, lambda one: replace(one, dns_status=DnsStatus.OK))
