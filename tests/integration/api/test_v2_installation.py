"""What anybody with a credential may know of the installation, whether it is well, and its numbers."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chalicelib import VERSION, bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.backends import SqliteBackends
from chalicelib.bootstrap import in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.backends import Backends
from chalicelib.ports.repository import Repository
from chalicelib.services import health
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.health import Health
from onehost.upkeep import Upkeep
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, refused
from tests.integration.api.test_v2_operations import held, sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.ports.backends import Probe

ROOT = Path(__file__).parents[3]


def test_whoever_has_a_credential_is_told_names_and_limits(api: ApiWorld) -> None:
    settings = api.scene.posthorn.settings
    expected = {
        "version": VERSION,
        "web_hostname": settings.web_hostname,
        "smtp": {"hostname": settings.smtp_hostname, "submission": 587, "submissions": 465},
        "return_path_domain": settings.return_path_domain,
        "route_domain": settings.route_domain,
        "track_domain": settings.track_domain,
        "spf_include": settings.spf_include,
        "scanners": [],
        "max_message_size": settings.max_message_size,
        "oidc": None,
        "oidc_settings": None,
        "notice": None,
        "records": None,
    }
    for key in (api.scene.api_key, a_key(api, "domains:read")):
        found = api.v2("GET", "/installation", key=key).json
        assert isinstance(found.pop("mx"), list)
        assert found == expected
    assert api.v2("GET", "/installation", key="ph_none").status == 401


def test_operators_are_told_what_the_installation_is_to_have_in_dns(api: ApiWorld) -> None:
    source = EgressSource("one", address="192.0.2.7", address6="2001:db8::7")
    bootstrap.run(api.scene.posthorn[Repository].add(SOURCES, source))
    settings = api.scene.posthorn.settings
    host = settings.smtp_hostname
    records = api.manage("GET", "/installation").json["records"]
    assert {(one["purpose"], one["type"], one["name"], one["value"]) for one in records} >= {
        ("host", "A", host, "192.0.2.7"),
        ("host", "AAAA", host, "2001:db8::7"),
        ("reverse", "PTR", "192.0.2.7", host),
        ("return-path", "MX", settings.return_path_domain, f"10 {host}"),
        ("track", "CNAME", settings.track_domain, settings.web_hostname),
    }
    assert {one["status"] for one in records} == {None}


def test_without_an_address_only_what_is_known_is_wanted(api: ApiWorld) -> None:
    records = api.manage("GET", "/installation").json["records"]
    assert {one["type"] for one in records} == {"CNAME", "TXT", "MX"}


def test_a_notice_is_shown_to_all_and_entered_into_the_audit_log(api: ApiWorld) -> None:
    for text, before in (("Maintenance at 22:00", None), ("Over", "Maintenance at 22:00")):
        reply = api.manage("PATCH", "/installation", {"notice": text})
        assert (reply.status, reply.json["notice"]) == (200, text)
        assert reply.json["records"]
        assert api.v2("GET", "/installation").json["notice"] == text
        entry = api.manage("GET", "/audit").json["data"][0]
        assert entry["action"] == "installation.update"
        assert entry["object"] == {
            "type": "installation",
            "id": "installation",
            "name": "installation",
        }
        assert entry["after"] == {"notice": text}
        assert (entry["before"] or {}).get("notice") == before
    assert api.manage("PATCH", "/installation", {}).json["notice"] == "Over"
    assert api.manage("PATCH", "/installation", {"notice": None}).json["notice"] is None
    entries = api.manage("GET", "/audit").json["data"]
    assert api.manage("PATCH", "/installation", {"notice": None}).status == 200
    assert api.manage("GET", "/audit").json["data"] == entries


@pytest.mark.parametrize("notice", ["", "x" * 501, "two\nlines", 7, ["x"]])
def test_a_wrong_notice_is_named(api: ApiWorld, notice: object) -> None:
    reply = api.manage("PATCH", "/installation", {"notice": notice})
    assert reply.status == 422
    assert [one["pointer"] for one in reply.json["errors"]] == ["/notice"]
    assert api.v2("GET", "/installation").json["notice"] is None


def test_operators_alone_change_the_notice(api: ApiWorld) -> None:
    for key in (api.scene.api_key, a_key(api, "people:write")):
        reply = api.v2("PATCH", "/installation", {"notice": "x"}, key=key)
        assert refused(reply) == (403, "scope_missing")
    reply = api.manage("PATCH", "/installation", {"mx": None, "version": "1"})
    assert {one["pointer"] for one in reply.json["errors"]} == {"/mx", "/version"}


def test_the_version_is_that_of_the_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_health_is_public_and_asked_at_most_every_five_seconds(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = api.call("GET", "/api/v2/health")
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.headers["cache-control"] == "no-store"

    async def broken() -> None:
        raise TemporaryFailure("The store is away")

    whole = SqliteBackends.probes

    def probes(self: SqliteBackends) -> Mapping[str, Probe]:
        return {**whole(self), "mail_database": broken}

    monkeypatch.setattr(SqliteBackends, "probes", probes)
    assert api.call("GET", "/api/v2/health").status == 200
    api.scene.clock.advance(5)
    reply = api.call("GET", "/api/v2/health")
    assert reply.status == 503
    assert reply.json == {"status": "degraded", "failing": ["mail_database"]}


async def test_a_part_that_does_not_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    program = in_memory()
    backends = program[Backends]
    monkeypatch.setattr(backends, "probes", lambda: {"slow": lambda: asyncio.sleep(60)})
    assert await program[Health].failing() == ("slow",)


def test_the_numbers_are_those_of_the_installation(api: ApiWorld) -> None:
    sent(api)
    held(api)
    bootstrap.run(api.scene.deliver_ready())
    api.scene.clock.advance(30)
    sent(api)
    bootstrap.run(Upkeep(api.scene.posthorn).feed())
    api.scene.clock.advance(12)
    reply = api.manage("GET", "/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    of = 'posthorn_messages_total{direction="outgoing",status="'
    assert samples[f'{of}Pending"}}'] == "3"
    assert samples[f'{of}Sent"}}'] == samples[f'{of}Held"}}'] == "1"
    took = {
        name.removeprefix("posthorn_delivery_seconds"): value
        for name, value in samples.items()
        if name.startswith("posthorn_delivery_seconds")
    }
    assert took['_bucket{le="1"}'] == took['_bucket{le="+Inf"}'] == took["_count"] == "1"
    assert 0 <= float(took["_sum"]) < 1
    assert len(took) == 12
    assert samples['posthorn_queue_messages{pool="default"}'] == "1"
    assert samples['posthorn_queue_oldest_seconds{pool="default"}'] == "12"
    assert samples["posthorn_dead_letters"] == samples["posthorn_outbox_lag_seconds"] == "0"

    for key, told in ((api.scene.api_key, (403, "scope_missing")), ("ph_no", (401, "unauth"))):
        status, code = refused(api.v2("GET", "/metrics", key=key))
        assert status == told[0]
        assert code.startswith(told[1])


def checks(api: ApiWorld) -> dict[str, tuple[str, str, str]]:
    reply = api.manage("GET", "/installation/checks")
    assert reply.status == 200, reply
    assert (reply.json["has_more"], reply.json["next_cursor"]) == (False, None)
    return {
        one["check"]: (one["status"], one["since"], one["detail"]) for one in reply.json["data"]
    }


def test_what_the_installation_finds_is_told_with_its_time(api: ApiWorld) -> None:
    assert checks(api) == {}
    upkeep, clock = Upkeep(api.scene.posthorn), api.scene.clock
    bootstrap.run(upkeep.check())
    found = checks(api)
    assert {name for name, (status, *_) in found.items() if status == "ok"} == {
        *("storage", "queues", "dead_letters", "jobs", "outbox", "pools", "track_certificates"),
    }
    status, since, detail = found["dns"]
    assert status == "failing"
    assert "smtp_hostname is an example." in detail

    sent(api)
    clock.advance(1_000)
    bootstrap.run(upkeep.check())
    later = checks(api)
    assert later["dns"] == (status, since, detail)
    assert later["queues"][0] == "warning"
    assert later["outbox"][0] == "warning"
    assert later["storage"] == found["storage"]
    clock.advance(60)
    bootstrap.run(upkeep.check())
    assert checks(api) == later, "what stays so has begun when it did"
    bootstrap.run(api.scene.deliver_ready())
    bootstrap.run(upkeep.feed())
    bootstrap.run(upkeep.check())
    not_well = {name for name, (status, *_) in checks(api).items() if status != "ok"}
    assert not_well == {"dns", "postmaster"}
    assert found["postmaster"][2] == (
        "POSTHORN_POSTMASTER is not set, and mail to the postmaster is refused."
    )
    well = ["dead_letters", "jobs", "outbox", "pools", "queues", "storage", "track_certificates"]
    assert list(checks(api)) == ["dns", "postmaster", *well]
    assert refused(api.v2("GET", "/installation/checks")) == (403, "scope_missing")


def test_jobs_are_counted_and_one_that_does_not_end_is_told_of(api: ApiWorld) -> None:
    def samples() -> dict[str, str]:
        text = api.manage("GET", "/metrics").body.decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if "jobs" in line)

    assert samples()["posthorn_jobs_open"] == samples()["posthorn_jobs_oldest_seconds"] == "0"
    made = api.manage("POST", "/jobs", {"type": "hold", "filter": {}}, "acme/app").json
    api.scene.clock.advance(90)
    assert samples()["posthorn_jobs_open"] == "1"
    assert samples()["posthorn_jobs_oldest_seconds"] == "90"
    upkeep = Upkeep(api.scene.posthorn)
    bootstrap.run(upkeep.check())
    assert checks(api)["jobs"][0] == "ok"
    api.scene.clock.advance(86_400)
    bootstrap.run(upkeep.check())
    told = f"The job {made['id']} of acme/app has been open for more than a day."
    assert (checks(api)["jobs"][0], checks(api)["jobs"][2]) == ("warning", told)
    bootstrap.run(upkeep.jobs())
    bootstrap.run(upkeep.check())
    assert checks(api)["jobs"][0] == "ok"


async def test_a_name_of_pages_and_mail_is_told_of_once() -> None:
    names = {"web_hostname": "m.test", "smtp_hostname": "m.test", "track_domain": "t.test"}
    program = in_memory(Settings(**names, return_path_domain="rp.test", spf_include="spf.test"))
    await program[CheckInstallation].run()
    found = {one.name: one.detail for one in await program[CheckInstallation].findings()}
    assert found["dns"].startswith(
        "m.test has no address. t.test has no address. rp.test has no MX"
    )


async def test_names_are_looked_up_every_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"web_hostname": "w.test", "smtp_hostname": "s.test", "track_domain": "t.test"}
    names |= {"postmaster": "op@p.test", "system_server": "a/b", "system_from": "a@b.test"}
    settings = Settings(**names, return_path_domain="rp.test", spf_include="spf.test")
    program = in_memory(settings)
    resolver, repository = program[ScriptedResolver], program[Repository]
    await repository.add(SOURCES, EgressSource("one", address="192.0.2.7"))
    asked = []
    whole = resolver.txt

    async def txt(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ("v=spf1 ip4:192.0.2.7 -all",) if asked[1:] else await whole(name)

    async def addresses(name: str, *, whole: bool = False) -> tuple[str, ...]:
        return ("192.0.2.7",)

    async def mx(domain: str) -> tuple[tuple[int, str], ...]:
        return ((10, "s.test"),)

    async def ptr(address: str, *, whole: bool = False) -> tuple[str, ...]:
        return ("s.test",) if asked[1:] else ()

    for one in (txt, addresses, mx, ptr):
        monkeypatch.setattr(resolver, one.__name__, one)
    for _ in range(3):
        await program[CheckInstallation].run()
    assert asked == ["spf.test", "spf.test"], "for our names and for the source"
    found = {one.name: one.detail for one in await program[CheckInstallation].findings()}
    assert found["dns"] == "spf.test has no SPF record."
    assert found["source:default/one"] == "192.0.2.7 has no reverse name."
    program[ControlledClock].advance(3_600)
    await program[CheckInstallation].run()
    assert {one.detail for one in await program[CheckInstallation].findings()} == {""}
