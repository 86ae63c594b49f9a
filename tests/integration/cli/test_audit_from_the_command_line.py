"""The audit log is listed and proved from the command line."""

from __future__ import annotations

import asyncio

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.ports.repository import Repository
from tests.integration.cli.conftest import Run


def test_changes_are_listed_newest_first(demo: Run) -> None:
    demo("server", "set", "demo/demo", "--send-limit", "5")
    told = demo("audit", "list", "--organization", "demo", "--limit", "1", "--json").json
    (entry,) = told["data"]
    assert (entry["action"], entry["after"]) == ("server.update", {"send_limit": 5})
    assert entry["actor"]["kind"] == "system"
    more = demo(
        "audit", "list", "--organization", "demo", "--cursor", told["next_cursor"], "--json"
    )
    assert entry not in more.json["data"]
    assert "server.update" in demo("audit", "list", "--organization", "demo").out
    assert "organization.create" in demo("audit", "list").out
    line = ("audit", "list", "--organization", "demo", "--json")
    assert demo(*line, "--until", "2020-01-31").json["data"] == []
    assert entry in demo(*line, "--since", "2020-01-31T12:00:00Z").json["data"]
    assert demo(*line, "--since", "yesterday").code == 2
    none = demo("audit", "list", "--action", "nothing", "--json").json
    assert none == {"data": [], "has_more": False, "next_cursor": None}


def test_a_log_is_proved_whole_or_broken(demo: Run, app: Posthorn) -> None:
    proved = demo("audit", "verify", "--organization", "demo")
    assert (proved.code, "entries are as written" in proved.out) == (0, True)
    repository, chain = app[Repository], of_chain(OrganizationId(1))
    _, second, *_ = asyncio.run(repository.all(AUDIT_ENTRIES, chain))
    asyncio.run(repository.remove(AUDIT_ENTRIES, second))
    broken = demo("audit", "verify", "--organization", "demo")
    assert broken.code == 1
    assert broken.err == f"posthorn: The audit log is broken at entry {second.number + 1:010d}.\n"


def test_that_the_newest_entry_is_gone_shows_in_the_storage(demo: Run, app: Posthorn) -> None:
    repository, chain = app[Repository], of_chain(OrganizationId(1))
    newest, *_ = asyncio.run(repository.all(AUDIT_ENTRIES, chain))
    asyncio.run(repository.remove(AUDIT_ENTRIES, newest))
    broken = demo("audit", "verify", "--organization", "demo")
    assert broken.err == f"posthorn: The audit log is broken at entry {newest.number:010d}.\n"
