"""Certificates from a real authority, which is Caddy's own ACME server: by Caddy in front, and by certbot and lego with
the hook of the repository. SMTP takes each over, and who is connected goes on.

Skipped where it cannot be: it needs root, for a network in which the ports 80 and 443 are free.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.services.tracking.domains import TrackDomains
from tests.acme.network import reason_to_skip
from tests.acme.scene import (
    CUSTOMER,
    DIRECTORY,
    HOST,
    ROOT,
    STRANGER,
    TRACK,
    VIEW,
    Scene,
    scene,
    shown,
)
from tests.certificates import Pair
from tests.gateway_scene import trusting_context

SKIP = reason_to_skip("caddy", "lego", "certbot")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.clients,
    pytest.mark.skipif(bool(SKIP), reason=SKIP),
    pytest.mark.xdist_group("acme"),
]
HOOK = ROOT / "infra/onehost/hooks/posthorn-certificate"
MAIL = "From: hello@acme.test\r\nTo: john@example.com\r\nSubject: Hello\r\n\r\nHi\r\n"


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as made:
        yield made


def there(acme: Scene) -> Pair:
    return Pair(acme.files.certificate.read_bytes(), acme.files.key.read_bytes())


def test_by_caddy_in_front(acme: Scene) -> None:
    with acme.host.client() as connected:
        connected.starttls(context=trusting_context())
        before = shown(connected)
        acme.start_front()
        assert acme.get(VIEW)[0] < 500
        seen = [before]
        for _ in range(2):
            done = acme.posthorn("certificate", "install", "--caddy", str(acme.storage))
            assert (done["name"], done["new"], done["told"]) == (HOST, True, True)
            acme.host.until(lambda: acme.shown_by_smtp() == there(acme).fingerprint)
            acme.smtp_is_trusted()
            seen.append(there(acme).fingerprint)
            again = acme.posthorn("certificate", "install", "--caddy", str(acme.storage))
            assert (again["new"], again["told"]) == (False, False)
            renew_by_caddy(acme)
        assert len(set(seen)) == 3
        assert shown(connected) == before
        connected.login("acme/app", acme.host.key)
        assert connected.sendmail("hello@acme.test", ["john@example.com"], MAIL) == {}


def renew_by_caddy(acme: Scene) -> None:
    """As if that of before had nearly ended."""
    acme.programs.stop("front")
    shutil.rmtree(acme.storage / "certificates")
    acme.start_front()


def test_what_ends_soon_is_told_by_doctor(acme: Scene) -> None:
    acme.start_front()
    acme.posthorn("certificate", "install", "--caddy", str(acme.storage))
    told = {one["check"]: one["findings"] for one in acme.posthorn("doctor")["checks"]}
    (certificate,) = told["certificate"]
    assert certificate["result"] == "warning"  # the authority gives half a day
    assert "ends on 2" in certificate["text"]
    assert [one["result"] for one in told["https"]] == ["warning"] * 3, told["https"]
    assert f"{TRACK}: Its certificate ends on 2" in told["https"][2]["text"]


def test_of_a_customer_s_track_domain(acme: Scene) -> None:
    program = Posthorn(read_settings(acme.host.environment), "sqlite")
    tracks = program[TrackDomains]
    track = asyncio.run(tracks.add(acme.host.server, "go", "acme.test"))
    acme.start_front()
    for name in (CUSTOMER, STRANGER):
        with pytest.raises(ssl.SSLError):
            acme.get(name)
    acme.zone.cname(CUSTOMER, TRACK)
    found = asyncio.run(tracks.check(track)).track
    assert found.dns_status == "OK"
    acme.until(lambda: acme.is_served(CUSTOMER), "front")
    assert acme.get(CUSTOMER) == (200, b"Hello.")
    with pytest.raises(ssl.SSLError):
        acme.get(STRANGER)
    obtained = {path.name for path in (acme.storage / "certificates").glob("*/*")}
    assert obtained == {HOST, VIEW, TRACK, CUSTOMER}


@dataclass(frozen=True, slots=True)
class Client:
    """An ACME client: what obtains, what renews, and whom it is told to trust."""

    obtain: Sequence[str]
    renew: Sequence[str]
    trust: str


def certbot(folder: Path) -> Client:
    kept = [f"--{name}-dir={folder}/{name}" for name in ("config", "work", "logs")]
    obtain = (
        *("certbot", "certonly", "--non-interactive", "--standalone", "--agree-tos", *kept),
        *("--register-unsafely-without-email", f"--server={DIRECTORY}", f"--domain={HOST}"),
        f"--deploy-hook={HOOK}",
    )
    renew = ("certbot", "renew", "--force-renewal", "--no-random-sleep-on-renew", *kept)
    return Client(obtain, renew, "REQUESTS_CA_BUNDLE")


def lego(folder: Path) -> Client:
    usual = (
        *("lego", f"--server={DIRECTORY}", "--accept-tos", "--email=you@example.net", "--http"),
        *(f"--domains={HOST}", f"--path={folder}"),
    )
    renew = (*usual, "renew", "--days=100", "--no-random-sleep", f"--renew-hook={HOOK}")
    return Client((*usual, "run", f"--run-hook={HOOK}"), renew, "LEGO_CA_CERTIFICATES")


@pytest.mark.parametrize("make", [certbot, lego])
def test_by_a_client_with_the_hook(acme: Scene, tmp_path: Path, make: object) -> None:
    assert callable(make)
    client: Client = make(tmp_path / "acme")
    variables = acme.settings | {"POSTHORN": acme.command, client.trust: acme.root}
    with acme.host.client() as connected:
        connected.starttls(context=trusting_context())
        seen = [shown(connected)]
        for command in (client.obtain, client.renew):
            acme.programs.run(command, variables)
            acme.host.until(lambda: acme.shown_by_smtp() == there(acme).fingerprint)
            acme.smtp_is_trusted()
            seen.append(there(acme).fingerprint)
        assert len(set(seen)) == 3
        assert shown(connected) == seen[0]
        assert connected.noop()[0] == 250
