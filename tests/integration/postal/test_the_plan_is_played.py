"""The plan of docs/from-postal.md: mail keeps coming while names are switched, and what Postal gave out acts here.

Postal is played by what it would write into its databases; Posthorn is `posthorn serve`, and the command as it is.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.report import ReportFilter
from chalicelib.domain.suppression import Name
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.tenancy.servers import Servers
from tests.dns_zone import DnsZone
from tests.integration.postal.conftest import NAMED
from tests.loopback import free_port
from tests.mariadb import MariaDb, Postal, Tables, an_rsa_key
from tests.one_host import OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

pytestmark = pytest.mark.slow
SMTP_KEY, API_KEY = "dZBPhhbKrEZSiOwSNahnzxYO", "xSF0VMummttmSmxu1Msfe36i"
COMMAND = "import sys; from onehost.main import main; sys.exit(main(sys.argv[1:]))"
FIRST_OF_LATER = 1_000
BOUNCE = """\
From: mailer-daemon@dest.example
To: ehdexf@psrp.golden.example
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Gone.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; dest.example

Final-Recipient: rfc822; open@dest.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

X-Postal-MsgID: Hiv3AHdJniF7Cp5G
Subject: Subject

--b--
"""


class Scene:
    """Postal, Posthorn, and the world around them."""

    def __init__(self, postal: Postal, host: OneHost, ports: dict[str, int], folder: Path) -> None:
        self.postal = postal
        self.host = host
        self.ports = ports
        self.folder = folder

    def bring(self, *options: str) -> dict[str, Any]:
        """Run the command; its report."""
        key = self.folder / "signing.key"
        arguments = ["import", "postal", "--url", self.postal.url, "--signing-key", str(key)]
        arguments += ["--config", str(self.folder / "postal.yml"), *options, "--json"]
        ended = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            env=self.host.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr + ended.stdout
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    @property
    def server(self) -> ServerId:
        return asyncio.run(self.host.program[Servers].get("golden", "golden")).id

    def record(self, number: int) -> MessageRecord | None:
        store = self.host.program[MessageStore]
        try:
            return asyncio.run(store.get(self.server, MessageId(number), Scope.OUTGOING))
        except NotFound:
            return None

    def get(self, host: str, path: str) -> tuple[int, dict[str, str]]:
        """What a reader's client is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=PATIENCE)
        connection.request("GET", path, headers={"Host": host, "User-Agent": "Mozilla/5.0"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders())

    def arrive(self, sender: str, recipient: str, content: str) -> None:
        """Mail from elsewhere, at the port for incoming mail."""
        with smtplib.SMTP("127.0.0.1", self.ports["mx"], "mx.dest.example", timeout=PATIENCE) as mx:
            mx.sendmail(sender, [recipient], content.replace("\n", "\r\n"))


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone() as zone:
        zone.mx("dest.example", (10, "mx.dest.example"))
        zone.a("mx.dest.example", "127.0.0.1")
        yield zone


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    with SmtpPeer().in_thread() as peer:
        yield peer


@pytest.fixture
def scene(
    tmp_path: Path, zone: DnsZone, peer: SmtpPeer, mariadb: MariaDb, rows: dict[str, Tables]
) -> Iterator[Scene]:
    rows["main"]["organizations"]["rows"][0]["permalink"] = "golden"
    (endpoint,) = rows["main"]["smtp_endpoints"]["rows"]
    endpoint |= {"hostname": "127.0.0.1", "port": peer.port}
    postal = Postal(mariadb)
    postal.fill(rows)
    (tmp_path / "signing.key").write_text(an_rsa_key(2048))
    (tmp_path / "postal.yml").write_text(
        f"version: 2\nmessage_db:\n  database_name_prefix: {postal.name}\n"
    )
    ports = {"mx": free_port(), "http": free_port()}
    named = {name.upper(): value for name, value in NAMED.items()}
    variables = {"MX_PORT": ports["mx"], "HTTP_PORT": ports["http"], **named}
    variables |= {"ALLOWED_DESTINATIONS": "127.0.0.1"}
    with OneHost(tmp_path, zone, peer, **variables) as host:
        yield Scene(postal, host, ports, tmp_path)


class PlayedPostal(threading.Thread):
    """Takes a message every few milliseconds, and sends the one before, until it is stopped."""

    def __init__(self, postal: Postal) -> None:
        super().__init__()
        self._postal = postal
        self._stopped = threading.Event()
        self.taken = 0

    def run(self) -> None:
        while not self._stopped.wait(0.02):
            number = FIRST_OF_LATER + self.taken
            self._postal.run(
                "INSERT INTO messages(id, token, scope, rcpt_to, mail_from, timestamp, status, domain_id)"
                " VALUES (%s, %s, 'outgoing', 'a@dest.example', 'hello@golden.example', 1795903000, 'Pending', 2)",
                number,
                token_of(number),
                server=2,
            )
            self._postal.run(
                "INSERT INTO queued_messages(id, server_id, message_id, domain, attempts) VALUES (%s, 2, %s, 'd', 0)",
                number,
                number,
            )
            self.taken += 1
            if self.taken > 1:
                self.send(number - 1)

    def stop(self) -> None:
        self._stopped.set()
        self.join(PATIENCE)

    def send(self, number: int) -> None:
        self._postal.run(
            "INSERT INTO deliveries(id, message_id, status, details, timestamp)"
            " VALUES (%s, %s, 'Sent', 'Accepted', 1795903001)",
            number,
            number,
            server=2,
        )
        self._postal.run("UPDATE messages SET status = 'Sent' WHERE id = %s", number, server=2)
        self._postal.run("DELETE FROM queued_messages WHERE message_id = %s", number)


def token_of(number: int) -> str:
    return f"LaterToken{number:06d}"


def test_mail_keeps_coming_while_one_switches(scene: Scene, peer: SmtpPeer) -> None:
    postal = PlayedPostal(scene.postal)
    postal.start()
    try:
        dry = scene.bring("--dry-run", "--history")
        assert dry["differences"] == [] and dry["dry_run"]
        scene.bring("--history")  # Postal goes on meanwhile
        clients_come(scene, peer)  # some find Posthorn already
        scene.bring("--history")
    finally:
        postal.stop()
    scene.postal.run("DELETE FROM queued_messages WHERE message_id = 296")
    postal.send(FIRST_OF_LATER + postal.taken - 1)  # its workers empty the queue
    last = scene.bring("--history")
    assert last["left"] == []
    assert postal.taken > 10
    for number in range(FIRST_OF_LATER, FIRST_OF_LATER + postal.taken):
        found = scene.record(number)
        assert found is not None and found.message.token == token_of(number)
        assert (found.status.value, found.attempt) == ("Sent", 1)


def clients_come(scene: Scene, peer: SmtpPeer) -> None:
    """An SMTP client and one of the API, with the keys that they have."""
    before = len(peer.mails)
    with scene.host.client() as smtp:
        smtp.login("whatever", SMTP_KEY)
        content = (
            "From: hello@golden.example\r\nTo: b@dest.example\r\nSubject: By SMTP\r\n\r\nHi\r\n"
        )
        smtp.sendmail("hello@golden.example", ["b@dest.example"], content)
    body = {
        "from": "hello@golden.example",
        "to": ["c@dest.example"],
        "subject": "By API",
        "plain_body": "Hi",
    }
    connection = http.client.HTTPConnection("127.0.0.1", scene.ports["http"], timeout=PATIENCE)
    headers = {"X-Server-API-Key": API_KEY, "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/send/message", json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["status"] == "success", answer
    assert answer["data"]["messages"]["c@dest.example"]["id"] > 10_000
    mails = peer.wait_for_mails(before + 2)[before:]
    assert all(b"s=postal-tsAY0o;" in mail.content.replace(b"\r\n\t", b" ") for mail in mails)


@pytest.mark.parametrize("history", [True, False])
def test_what_postal_gave_out_acts_here(scene: Scene, peer: SmtpPeer, history: bool) -> None:
    scene.bring(*(["--history"] if history else []))
    clients_come(scene, peer)
    # A link and an image.
    status, headers = scene.get("click.golden.example", "/ehdexf/C1icHiymQuwCaZBv")
    assert (status, headers["Location"]) == (307, "http://acme.example/")
    status, headers = scene.get("click.golden.example", "/img/ehdexf/Hiv3AHdJniF7Cp5G")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    # A bounce to an old return path.
    scene.arrive("", "ehdexf@psrp.golden.example", BOUNCE)
    program = scene.host.program

    def reported() -> bool:
        page = asyncio.run(program[Reports].page(scene.server, ReportFilter(), 10))
        return [(one.email, one.recipient) for one in page.values] == [(93, "open@dest.example")]

    scene.host.until(reported)
    if history:
        scene.host.until(lambda: status_of(scene, 93) == "Bounced")
    now = program[Clock].now()
    listed = asyncio.run(
        program[SuppressionList].get(scene.server, [Name("hard@dest.example")], now)
    )
    assert len(listed) == 1
    # An old route, and its forwarding address.
    before = len(peer.mails)
    content = "From: a@away.example\nSubject: To a route\n\nHello\n"
    scene.arrive("a@away.example", "smtp@golden.example", content)
    scene.arrive("a@away.example", "PzGZ2Giq+tag@routes.postal.example.com", content)
    mails = peer.wait_for_mails(before + 2)[before:]
    assert {address for mail in mails for address in mail.rcpt_to} == {
        "smtp@golden.example",
        "smtp+tag@golden.example",
    }


def status_of(scene: Scene, number: int) -> str:
    found = scene.record(number)
    return "" if found is None else found.status.value


def test_held_mail_is_let_go_as_it_was_signed_or_signed_here(scene: Scene, peer: SmtpPeer) -> None:
    """The one that waits was signed by Postal; the held one was not."""
    scene.bring("--queue")
    (waits,) = peer.wait_for_mails(1)
    assert b"X-Postal-MsgID: eXzoi1KhkJl0aam3\r\n" in waits.content.replace(b"MsgiD", b"MsgID")
    assert waits.content.count(b"DKIM-Signature:") == 1
    assert waits.mail_from == "ehdexf@psrp.golden.example"
    scene.host.until(lambda: status_of(scene, 296) == "Sent")
