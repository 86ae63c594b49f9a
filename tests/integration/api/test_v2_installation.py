"""What anybody with a credential may know of the installation, whether it is well, and its numbers."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import VERSION, bootstrap
from chalicelib.adapters.sqlite.backends import SqliteBackends
from chalicelib.bootstrap import in_memory
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.backends import Backends
from chalicelib.services import health
from chalicelib.services.health import Health
from onehost.upkeep import Upkeep
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, refused
from tests.integration.api.test_v2_operations import held, sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

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
    }
    for key in (api.scene.api_key, a_key(api, "domains:read")):
        found = api.v2("GET", "/installation", key=key).json
        assert isinstance(found.pop("mx"), list)
        assert found == expected
    assert api.v2("GET", "/installation", key="ph_none").status == 401


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
    assert samples['posthorn_queue_messages{pool="default"}'] == "1"
    assert samples['posthorn_queue_oldest_seconds{pool="default"}'] == "12"
    assert samples["posthorn_dead_letters"] == samples["posthorn_outbox_lag_seconds"] == "0"

    for key, told in ((api.scene.api_key, (403, "scope_missing")), ("ph_no", (401, "unauth"))):
        status, code = refused(api.v2("GET", "/metrics", key=key))
        assert status == told[0]
        assert code.startswith(told[1])
