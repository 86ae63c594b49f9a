"""HTTPS at the names of the installation: `posthorn doctor` and the hourly checks say what browsers will, and when a
certificate ends within two weeks."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS, CheckFinding, CheckStatus
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.tracking import certificates
from gateway.tls import make_pair
from onehost.options import Options
from onehost.process import parts_of
from tests.certificates import Authority, Pair, PairFiles
from tests.dns_zone import DnsZone
from tests.integration.onehost.conftest import Run
from tests.integration.onehost.sound_host import NAME, SoundHost, sound_host
from tests.integration.onehost.test_doctor import found
from tests.patience import PATIENCE

WEB, VIEW, TRACK = "pages.acme.test", "view.pages.acme.test", "links.acme.test"
AUTHORITY = Authority()
DAY = 86_400


class Page(BaseHTTPRequestHandler):
    """Sends everybody on."""

    def do_GET(self) -> None:
        """As the dashboard does."""
        self.send_response(303)
        self.send_header("Location", "/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""


@contextlib.contextmanager
def web_server(context: ssl.SSLContext) -> Iterator[int]:
    """Somebody who answers by TLS; the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def served(folder: Path, pair: Pair) -> ssl.SSLContext:
    files = PairFiles(folder)
    files.replace(pair)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.fixture
def host(tmp_path: Path, posthorn: Run) -> Iterator[SoundHost]:
    """Behind a web server on this machine, whose authority is trusted."""
    with sound_host(tmp_path, posthorn) as made:
        (tmp_path / "root.pem").write_bytes(AUTHORITY.root)
        made.settings |= {
            "web_hostname": WEB,
            "track_domain": TRACK,
            "http_proxy_networks": "127.0.0.1/32",
            "ca_file": str(tmp_path / "root.pem"),
        }
        for name in (WEB, VIEW, TRACK):
            made.zone.a(name, "127.0.0.1")
        yield made


def pair_of(*names: str, days_ago: float = 1) -> Pair:
    return AUTHORITY.pair(*names, made_at=time.time() - days_ago * DAY)


OURS = (WEB, VIEW, TRACK)
SEEN: dict[str, tuple[Callable[[], Pair], str, str, str]] = {
    "sound": (lambda: pair_of(*OURS), "ok", f"{WEB}, until 2", ""),
    "it ends soon": (
        lambda: pair_of(*OURS, days_ago=81),
        "warning",
        "in 9 days",
        "It should have been renewed by now",
    ),
    "two weeks and a day are no warning": (
        lambda: pair_of(*OURS, days_ago=75),
        "ok",
        "until 2",
        "",
    ),
    "ended": (lambda: pair_of(*OURS, days_ago=100), "failed", "has ended", "journalctl -u caddy"),
    "not yet": (lambda: pair_of(*OURS, days_ago=-3), "failed", "is not valid yet", "Look at"),
    "another name": (lambda: pair_of("x.test"), "failed", "is for other names", "Look at"),
    "self-signed": (
        lambda: Pair(*make_pair(WEB, time.time())),
        "failed",
        "is self-signed: nobody else vouches",
        "Look at",
    ),
    "an authority that nobody knows": (
        lambda: Authority().pair(*OURS, made_at=time.time() - DAY),
        "failed",
        "of an authority that is not known",
        "Look at",
    ),
}


@pytest.mark.parametrize(("pair", "result", "text", "step"), SEEN.values(), ids=SEEN)
def test_doctor_says_what_browsers_say(  # what is served, and what is said of it
    host: SoundHost,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pair: Callable[[], Pair],
    result: str,
    text: str,
    step: str,
) -> None:
    (tmp_path / "web").mkdir()
    with web_server(served(tmp_path / "web", pair())) as port:
        monkeypatch.setattr(certificates, "HTTPS_PORT", port)
        findings = found(host.doctor("--json"), "https")
    assert [one[0] for one in findings] == [result] * 3, findings
    of_web = findings[0]
    assert WEB in of_web[1]
    assert text in of_web[1]
    assert step in of_web[2]


def test_nobody_in_front_and_nobody_there(host: SoundHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "HTTPS_PORT", 1)
    outcome = host.doctor("--json")
    assert [one[:2] for one in found(outcome, "https")] == [
        (
            "not checked",
            f"{name} is not reached from here by HTTPS: Nobody answers there: Connection refused",
        )
        for name in OURS
    ]
    del host.settings["http_proxy_networks"]
    ((result, text, _),) = found(host.doctor("--json"), "https")
    assert (result, "http_proxy_networks is not set" in text) == ("not checked", True)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Posthorn]:
    """An installation whose names lead to this machine."""
    with DnsZone() as zone:
        zone.mx(f"rp.{NAME}", (10, NAME))
        zone.txt(f"spf.{NAME}", "v=spf1 -all")
        for name in (*OURS, NAME):
            zone.a(name, "127.0.0.1")
        (tmp_path / "root.pem").write_bytes(AUTHORITY.root)
        settings = Settings(
            state_folder=str(tmp_path / "state"),
            smtp_hostname=NAME,
            web_hostname=WEB,
            track_domain=TRACK,
            return_path_domain=f"rp.{NAME}",
            spf_include=f"spf.{NAME}",
            dns_server=zone.server,
            ca_file=str(tmp_path / "root.pem"),
        )
        options = Options(http_proxy_networks="127.0.0.1/32")
        made = Posthorn(settings, "sqlite", parts_of(settings, options, {}))
        bootstrap.use(made)
        yield made
        bootstrap.use(None)


async def checked(program: Posthorn) -> dict[str, CheckFinding]:
    await program[CheckInstallation].run()
    return {one.name: one for one in await program[CheckInstallation].findings()}


async def test_the_installation_looks_by_the_hour(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    with web_server(served(tmp_path / "web", pair_of(*OURS, days_ago=85))) as port:
        monkeypatch.setattr(certificates, "HTTPS_PORT", port)
        https = (await checked(program))["https"]
        assert https.status is CheckStatus.WARNING
        assert f"{WEB}: Its certificate ends on 2" in https.detail
        assert "in 5 days. It should have been renewed by now." in https.detail
        again = (await checked(program))["https"]
        assert again.found_at == https.found_at


async def test_nobody_there_is_no_fault_of_a_certificate(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "HTTPS_PORT", 1)
    assert (await checked(program))["https"].status is CheckStatus.OK


async def test_what_was_found_goes_with_the_setting(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        CheckFinding(name, CheckStatus.FAILING, "It was so.", 1, 1) for name in ("https", "backups")
    ]
    for one in found:
        await program[Repository].change(Change(Verb.ADD, CHECK_FINDINGS, one))
    monkeypatch.setattr(certificates, "HTTPS_PORT", 1)
    assert (await checked(program)).keys() & {"https", "backups"} == {"https"}
    without = Posthorn(program.settings, "sqlite", parts_of(program.settings, Options(), {}))
    bootstrap.use(without)
    await program[Repository].replace(CHECK_FINDINGS, found[0])
    assert (await checked(without)).keys() & {"https", "backups"} == set()
