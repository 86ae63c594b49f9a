"""The question that Caddy asks before it obtains a certificate: which names are ours, who may ask, and what is none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS, DnsStatus
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.suspensions import Suspensions
from chalicelib.services.tracking.domains import TrackDomains
from onehost.web import certificate_names, track_hosts
from onehost.web.application import Web
from onehost.web.health import HealthPort
from tests.integration.onehost.conftest import WebTenant, make_tenant
from tests.web_client import ask

WEB, TRACK, CUSTOMER = "mail.posthorn.test", "track.posthorn.test", "go.acme.test"


@pytest.fixture
async def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebTenant:
    monkeypatch.setattr(track_hosts, "LOOK_AGAIN_SECONDS", 0.0)
    made = await make_tenant(tmp_path / "state", TRACK, web_hostname=WEB)
    await made.posthorn[TrackDomains].add(made.server, "go", "acme.test")
    await found_in_dns(made, DnsStatus.OK)
    return made


async def found_in_dns(tenant: WebTenant, status: DnsStatus | None) -> None:
    repository = tenant.posthorn[Repository]
    (track,) = await tenant.posthorn[TrackDomains].of_server(tenant.server)
    await repository.modify(
        TRACK_DOMAINS, TRACK_DOMAINS.place(track), lambda one: replace(one, dns_status=status)
    )


async def answer(
    tenant: WebTenant,
    query: str,
    headers: Mapping[str, str] | None = None,
    client: str = "127.0.0.1",
    method: str = "GET",
) -> int:
    port = HealthPort(tenant.posthorn)
    return (await ask(port, method, f"/tls/ask?{query}", headers, client=client)).status


@pytest.mark.parametrize("name", [WEB, f"view.{WEB}", TRACK, CUSTOMER, "GO.Acme.Test"])
async def test_names_of_ours_may_have_one(tenant: WebTenant, name: str) -> None:
    assert await answer(tenant, f"domain={name}") == 200
    assert await answer(tenant, f"domain={name}", client="::1") == 200


HOSTILE = {
    "nobody's": "domain=example.org",
    "below one of ours": f"domain=x.{CUSTOMER}",
    "above one of ours": "domain=acme.test",
    "a star": "domain=*.acme.test",
    "a full stop at the end": f"domain={CUSTOMER}.",
    "blanks": f"domain=%20{CUSTOMER}%20",
    "NUL": f"domain={CUSTOMER}%00",
    "a line end": f"domain={CUSTOMER}%0d%0aX:%20y",
    "another alphabet": f"domain={quote('gö.acme.test')}",
    "letters that are mapped to ours": "domain=%EF%BD%87%EF%BD%8F.acme.test",
    "no UTF-8": "domain=%ff%fe",
    "an address": "domain=127.0.0.1",
    "an address in brackets": "domain=[::1]",
    "a port": f"domain={CUSTOMER}:443",
    "ten thousand letters": "domain=" + "a" * 10_000,
    "ten thousand labels": "domain=" + "a." * 5_000,
    "two": f"domain=example.org&domain={CUSTOMER}",
    "more fields": f"domain={CUSTOMER}&x=1",
    "another field": f"name={CUSTOMER}",
    "nothing": "domain=",
    "no query": "",
    "no value": "domain",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
async def test_anything_else_may_not(tenant: WebTenant, query: str) -> None:
    assert await answer(tenant, query) == 404


@pytest.mark.parametrize("status", [None, DnsStatus.MISSING, DnsStatus.INVALID])
async def test_a_name_that_does_not_lead_here_may_not(
    tenant: WebTenant, status: DnsStatus | None
) -> None:
    await found_in_dns(tenant, status)
    assert await answer(tenant, f"domain={CUSTOMER}") == 404


async def test_that_of_a_suspended_tenant_may_not(tenant: WebTenant) -> None:
    suspended = await tenant.posthorn[Suspensions].suspend_server(tenant.server, "spam")
    assert suspended.is_suspended
    assert await answer(tenant, f"domain={CUSTOMER}") == 404
    assert await answer(tenant, f"domain={WEB}") == 200


async def test_that_of_a_suspended_organization_may_not(tenant: WebTenant) -> None:
    await tenant.posthorn[Suspensions].suspend_organization("acme", "spam")
    assert await answer(tenant, f"domain={CUSTOMER}") == 404


async def test_few_new_ones_are_let_in_at_a_time(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_names, "MOST_NEW", 1)
    now = [1e6]
    monkeypatch.setattr(type(tenant.posthorn[Clock]), "monotonic", lambda _: now[0])
    repository, (track,) = (
        tenant.posthorn[Repository],
        await tenant.posthorn[TrackDomains].of_server(tenant.server),
    )
    another = replace(track, domain="acme2.test", name="go.acme2.test", uuid="another")
    await repository.change(Change(Verb.ADD, TRACK_DOMAINS, another))
    assert await answer(tenant, f"domain={CUSTOMER}") == 200
    assert await answer(tenant, "domain=go.acme2.test") == 404
    assert await answer(tenant, f"domain={CUSTOMER}") == 200, "it is let in for a while"
    assert await answer(tenant, f"domain={WEB}") == 200, "ours are not counted"
    now[0] += certificate_names.WINDOW_SECONDS
    assert await answer(tenant, "domain=go.acme2.test") == 200
    assert await answer(tenant, f"domain={CUSTOMER}") == 404
    ends_at = int(tenant.posthorn[Clock].now()) + 100
    for fault, status in ((None, 200), ("", 200), ("Its certificate has ended.", 404)):
        await repository.modify(
            TRACK_DOMAINS,
            TRACK_DOMAINS.place(track),
            lambda one: replace(one, https_fault=fault, https_ends_at=ends_at),  # noqa: B023
        )
        assert await answer(tenant, f"domain={CUSTOMER}") == status


def test_the_file_for_caddy_has_nothing_that_newer_ones_refuse() -> None:
    text = (Path(__file__).resolve().parents[3] / "infra/onehost/Caddyfile").read_text()
    words = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert "on_demand_tls" in words
    assert not words & {"interval", "burst"}


async def test_one_that_was_removed_may_not(tenant: WebTenant) -> None:
    assert await answer(tenant, f"domain={CUSTOMER}") == 200
    (track,) = await tenant.posthorn[TrackDomains].of_server(tenant.server)
    await tenant.posthorn[TrackDomains].remove(track)
    assert await answer(tenant, f"domain={CUSTOMER}") == 404


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ("192.0.2.7", {}),
        ("10.0.0.1", {}),
        ("::ffff:192.0.2.7", {}),
        ("", {}),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}),
        ("127.0.0.1", {"x-forwarded-host": WEB}),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"via": "1.1 proxy"}),
        ("127.0.0.1", {"x-real-ip": "127.0.0.1"}),
    ],
)
async def test_nobody_else_is_told(tenant: WebTenant, client: str, headers: dict[str, str]) -> None:
    assert await answer(tenant, f"domain={WEB}", headers, client) == 404


async def test_other_methods_ask_nothing(tenant: WebTenant) -> None:
    assert await answer(tenant, f"domain={WEB}", method="POST") == 404


async def test_the_public_port_has_no_such_path(tenant: WebTenant) -> None:
    web = Web(tenant.posthorn)
    for host in (WEB, "localhost"):
        reply = await ask(web, "GET", f"/tls/ask?domain={WEB}", {"host": host})
        assert reply.status in {403, 404}
        assert b"name" not in reply.body


async def test_who_asks_while_names_are_read_waits_for_them(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_hosts, "LOOK_AGAIN_SECONDS", 1e9)
    whole = type(tenant.posthorn[Repository]).owners

    async def slow(*arguments: Any) -> Any:
        await asyncio.sleep(0.05)
        return await whole(*arguments)

    monkeypatch.setattr(type(tenant.posthorn[Repository]), "owners", slow)
    asked = [answer(tenant, f"domain={CUSTOMER}") for _ in range(3)]
    assert await asyncio.gather(*asked) == [200] * 3


async def test_strangers_do_not_have_all_names_read_each_time(
    tenant: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_hosts, "LOOK_AGAIN_SECONDS", 1e9)
    await answer(tenant, f"domain={CUSTOMER}")
    repository, read = tenant.posthorn[Repository], []
    monkeypatch.setattr(type(repository), "owners", lambda *_: read.append(1))
    for number in range(50):
        assert await answer(tenant, f"domain=x{number}.example") == 404
    assert read == []
