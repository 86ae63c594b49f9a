"""The health port: it writes to the store before it says that all is well, and counts what was done."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from chalicelib import bootstrap
from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.sqlite import backends
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Addition, Count, Slot
from chalicelib.domain.tenancy.check_findings import CheckFinding, CheckStatus
from chalicelib.domain.tenancy.owners import of_pool
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services import health
from chalicelib.services.checks import CheckInstallation
from onehost import serving
from onehost.doctor import checks, families, listening
from onehost.doctor.families import HostAddresses
from onehost.options import Options
from onehost.process import parts_of
from onehost.web.health import HealthPort
from tests.integration.onehost.conftest import WebTenant
from tests.web_client import ask, serving_web

MX, SUBMISSION = 2525, 2587
LETTER = {"from": "app@acme.test", "to": "x@example.com", "subject": "Hello", "text": "It works"}
_LABEL = r"[a-z]+=\"[A-Za-z0-9_.+-]+\""
_SAMPLE = re.compile(rf"posthorn_[a-z_]+(\{{{_LABEL}(,{_LABEL})*\}})? [0-9.e+]+")


async def test_a_healthy_store_made_a_transaction_durable(unserved: WebTenant) -> None:
    wal = Path(unserved.posthorn.settings.state_folder, "mail.db-wal")
    before = wal.stat().st_size
    answer = await ask(HealthPort(unserved.posthorn), "GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert wal.stat().st_size > before


async def test_a_process_that_does_not_serve_is_a_503_that_names_it(unserved: WebTenant) -> None:
    run = Path(unserved.posthorn.settings.state_folder, "run")
    serving.tell_failing(run, [0, 2])
    answer = await ask(HealthPort(unserved.posthorn), "GET", "/health")
    assert (answer.status, answer.json) == (503, {"status": "degraded", "failing": ["process 2"]})
    for numbers in ([0], []):
        serving.tell_failing(run, numbers)
        assert (await ask(HealthPort(unserved.posthorn), "GET", "/health")).status == 200


async def test_a_store_that_fails_is_a_503(
    unserved: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(backends, "touch", full)
    answer = await ask(HealthPort(unserved.posthorn), "GET", "/health")
    assert (answer.status, answer.json) == (
        503,
        {"status": "degraded", "failing": ["mail_database", "control_database"]},
    )


async def test_a_store_that_hangs_is_a_503(
    unserved: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(health, "KEPT_SECONDS", 0)
    release = threading.Event()
    wait: Callable[[Any], bool] = lambda _: release.wait(30)  # noqa: E731  # one expression
    hanging = asyncio.create_task(unserved.posthorn[MailDatabase].write(wait))
    await asyncio.sleep(0.05)
    assert (await ask(HealthPort(unserved.posthorn), "GET", "/health")).status == 503
    release.set()
    await hanging
    assert (await ask(HealthPort(unserved.posthorn), "GET", "/health")).status == 200


def test_metrics_say_what_was_done(tenant: WebTenant) -> None:
    for _ in range(3):
        assert tenant.v2("POST", "/emails", LETTER).status == 202
    slot = Slot(tenant.server.id, Period.DAY, 0)
    counts = {Count.OUTGOING: 3, Count.SENT: 2, Count.HELD: 1}
    statistics = tenant.posthorn[Statistics]
    bootstrap.run(statistics.add("mail", slot, [Addition("1", counts)]))
    opened: set[Any] = {1, 2}
    with serving_web(HealthPort(tenant.posthorn, {"http": lambda: len(opened)})) as port:
        tenant.port = port
        answer = tenant.call("GET", "/metrics")
        assert tenant.call("GET", "/health").status == 200
        assert tenant.call("GET", "/").status == 404
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    assert all(_SAMPLE.fullmatch(line) for line in lines if line[0] != "#")
    assert samples['posthorn_messages_total{direction="outgoing",status="Pending"}'] == "3"
    assert samples['posthorn_messages_total{direction="outgoing",status="Sent"}'] == "2"
    assert samples['posthorn_messages_total{direction="outgoing",status="HardFail"}'] == "0"
    assert samples['posthorn_queue_messages{pool="default"}'] == "3"
    assert samples['posthorn_connections{listener="http"}'] == "2"
    assert samples['posthorn_store_waiting{database="mail"}'] == "0"
    assert int(samples['posthorn_store_transactions_total{database="mail"}']) >= 3
    assert int(samples['posthorn_store_fsyncs_total{database="bodies"}']) >= 3
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == {
        re.sub("(?<=_delivery_seconds)_(bucket|sum|count)$", "", re.split("[{ ]", line)[0])
        for line in samples
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [(0, CheckStatus.OK), (5, CheckStatus.WARNING), (-1, None), (None, None)],
)
async def test_the_clock_of_one_host_is_what_the_kernel_says(
    unserved: WebTenant, monkeypatch: pytest.MonkeyPatch, state: int | None, expected: object
) -> None:
    kernel = SimpleNamespace() if state is None else SimpleNamespace(adjtimex=lambda _: state)
    system = SimpleNamespace(CDLL=lambda _: kernel, create_string_buffer=bytes)
    monkeypatch.setattr(checks, "ctypes", system)
    found = await found_by_host(unserved)
    clock = found.get("clock")
    assert (clock and clock.status) is expected
    assert clock is None or bool(clock.detail) is (expected is CheckStatus.WARNING)


async def test_the_certificate_of_one_host_is_looked_at(unserved: WebTenant) -> None:
    found = await found_by_host(unserved)
    assert found["certificate"].status is CheckStatus.WARNING
    assert found["certificate"].detail.startswith("None is set: a self-signed one is used")


@pytest.mark.parametrize(
    ("addresses", "heard", "status"),
    [
        (("192.0.2.9",), (), CheckStatus.OK),
        (("192.0.2.9", "2001:db8::9"), (MX, SUBMISSION), CheckStatus.OK),
        (("192.0.2.9", "2001:db8::9"), (SUBMISSION,), CheckStatus.FAILING),
        (None, (), None),
    ],
)
async def test_names_with_an_ipv6_address_are_heard_by_it(
    unserved: WebTenant,
    monkeypatch: pytest.MonkeyPatch,
    addresses: tuple[str, ...] | None,
    heard: tuple[int, ...],
    status: CheckStatus | None,
) -> None:
    async def published(self: DnsResolver, host: str, *, whole: bool = False) -> tuple[str, ...]:
        if addresses is None:
            raise TemporaryFailure("The name servers do not answer.")
        return addresses

    monkeypatch.setattr(DnsResolver, "addresses", published)
    monkeypatch.setattr(listening, "ports_by_ipv6", lambda: frozenset(heard))
    monkeypatch.setattr(listening, "serving", lambda state: object())
    settings = replace(
        unserved.posthorn.settings, smtp_hostname="mail.acme.test", mx_hosts="mx.acme.test"
    )
    ports = {"POSTHORN_MX_PORT": f"{MX}", "POSTHORN_SUBMISSION_PORT": f"{SUBMISSION}"}
    switched_off = {"POSTHORN_SUBMISSIONS_PORT": "-1"}
    found = (await found_by_host(unserved, settings, ports | switched_off)).get("listeners")
    assert (found and found.status) is status
    if status is CheckStatus.FAILING:
        assert found is not None
        assert "where nobody listens on port 2525. Set gateway_bind" in found.detail


async def test_a_source_of_one_host_sends_from_what_the_system_chooses(
    unserved: WebTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def named(self: DnsResolver, address: str, *, whole: bool = False) -> tuple[str, ...]:
        return ("mail.acme.test",) if address == "192.0.2.9" else ()

    async def published(self: DnsResolver, host: str, *, whole: bool = False) -> tuple[str, ...]:
        return ("192.0.2.9",)

    monkeypatch.setattr(DnsResolver, "ptr", named)
    monkeypatch.setattr(DnsResolver, "addresses", published)
    monkeypatch.setattr(families, "outgoing_addresses", lambda: ("192.0.2.9", "2001:db8::9"))
    found = (await found_by_host(unserved))["source:default/default"]
    assert found.status is CheckStatus.WARNING
    (source,) = await unserved.posthorn[Repository].all(SOURCES, of_pool("default"))
    assert source.unused6 == "2001:db8::9 has no reverse name."
    inside = Settings(allow_private_delivery=True)
    assert HostAddresses(inside).found() == (), "the local stack sends nothing to the world"


async def found_by_host(
    unserved: WebTenant, settings: Settings | None = None, environment: dict[str, str] | None = None
) -> dict[str, CheckFinding]:
    settings = settings or unserved.posthorn.settings
    program = Posthorn(settings, "sqlite", parts_of(settings, Options(), environment or {}))
    bootstrap.use(program)
    try:
        await program[CheckInstallation].run()
    finally:
        bootstrap.use(None)
    return {one.name: one for one in await program[CheckInstallation].findings()}
