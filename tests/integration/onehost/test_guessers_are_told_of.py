"""Who fails to sign in, at SMTP, the APIs and the pages, has a line with his address: fail2ban reads what the server
really wrote by the filter that stands in infra/, and nothing that a client says makes a line of another.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.domain.log_lines import AUTH_FAILED, SIGN_IN
from tests.dns_zone import DnsZone
from tests.guessers import VICTIM, Guesser
from tests.loopback import free_port
from tests.one_host import OneHost
from tests.patience import PATIENCE
from tests.peers import SmtpPeer

ROOT = Path(__file__).resolve().parents[3]
FAIL2BAN = ROOT / "infra" / "onehost" / "fail2ban"
FILTER = FAIL2BAN / "filter.d" / "posthorn.conf"
PROXY, NOBODY, OUTSIDE, OUTSIDE_6 = "127.0.0.2", "127.0.0.3", "198.51.100.7", "2001:db8::7"

pytestmark = pytest.mark.clients
needs_fail2ban = pytest.mark.skipif(
    shutil.which("fail2ban-regex") is None, reason="fail2ban is absent (Debian: fail2ban)"
)


@pytest.fixture(scope="module")
def guessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The log of a server that believes one proxy, after somebody has guessed at each door in every way."""
    folder, port = tmp_path_factory.mktemp("host"), free_port()
    networks = {"PROXY_NETWORKS": f"{PROXY}/32", "HTTP_PROXY_NETWORKS": f"{PROXY}/32"}
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        zone.mx("example.com", (10, "mx.example.com"))
        zone.a("mx.example.com", "127.0.0.1")
        with OneHost(folder, zone, peer, HTTP_PORT=port, **networks) as host:
            host.until(lambda: "posthorn serves" in host.log.read_text())
            behind = Guesser(host.submission, port, PROXY, OUTSIDE)
            behind_6 = Guesser(host.submission, port, PROXY, OUTSIDE_6)
            # It is no proxy of ours, and says that it is somebody else.
            alone = Guesser(host.submission, port, NOBODY, VICTIM)
            behind.smtp(proxied=True)
            alone.smtp()
            alone.smtp(name=VICTIM)
            for one in (behind, behind_6, alone):
                one.v1()
                one.v2()
                one.page()
                one.session_of_the_api()
            host.send("john@example.com")
            peer.wait_for_mails(1)
        yield host.log


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_each_failure_has_one_line_with_the_address_that_it_came_from(guessed: Path) -> None:
    told = Counter(
        (one.get("door", "smtp"), one["client"])
        for one in lines(guessed)
        if one.get("unit") == SIGN_IN or one.get("event") == AUTH_FAILED
    )
    assert told == {
        ("smtp", OUTSIDE): 1,
        ("smtp", NOBODY): 2,
        **{("api", address): 2 for address in (OUTSIDE, OUTSIDE_6, NOBODY)},
        **{("page", address): 2 for address in (OUTSIDE, OUTSIDE_6, NOBODY)},
    }


def test_no_line_holds_what_a_client_said(guessed: Path) -> None:
    text = guessed.read_text()
    assert VICTIM not in text
    assert "acme.test" not in text
    assert "example.com" not in text
    others = [line for line in text.splitlines() if not line.startswith("{")]
    assert [line.partition(":")[0] for line in others] == ["posthorn serves"]


@needs_fail2ban
@pytest.mark.parametrize("before", ["", "mail posthorn[4711]: "])
def test_fail2ban_finds_who_failed_and_nobody_else(
    guessed: Path, tmp_path: Path, before: str
) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{before}{line}\n" for line in guessed.read_text().splitlines()))
    found = subprocess.run(
        ["fail2ban-regex", "--out", "ip", str(log), str(FILTER)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert Counter(found.stdout.split()) == {OUTSIDE: 5, OUTSIDE_6: 4, NOBODY: 6}


@needs_fail2ban
def test_fail2ban_takes_filter_and_jail(tmp_path: Path) -> None:
    place = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", place)
    shutil.copytree(FAIL2BAN, place, dirs_exist_ok=True)
    (place / "jail.d" / "defaults-debian.conf").unlink(missing_ok=True)
    told = subprocess.run(
        ["fail2ban-client", "-c", str(place), "--dp"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "['add', 'posthorn', 'systemd']" in told.stdout
    assert "['set', 'posthorn', 'addjournalmatch', '_SYSTEMD_UNIT=posthorn.service']" in told.stdout
    assert told.stdout.count("posthorn\\\\.sign_in") == 1
