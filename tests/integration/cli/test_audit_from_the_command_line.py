"""The audit log is listed and proved from the command line."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, AuditEntry, hash_of, of_chain
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.audit_log import AuditLog
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
    assert entry in demo(*line, "--since", "5m").json["data"]
    assert demo(*line, "--until", "7d").json["data"] == []
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
    assert broken.err == f"posthorn: The audit log is broken: entry {second.number} is missing.\n"


def test_that_the_oldest_entries_are_gone_is_seen(demo: Run, app: Posthorn) -> None:
    repository, chain = app[Repository], of_chain(OrganizationId(1))
    *left, second, first = asyncio.run(repository.all(AUDIT_ENTRIES, chain))
    for entry in (first, second):
        asyncio.run(repository.remove(AUDIT_ENTRIES, entry))
        broken = demo("audit", "verify", "--organization", "demo", "--json")
        assert broken.err == "posthorn: The audit log is broken: entry 1 is missing.\n"
        assert asyncio.run(app[AuditLog].first_broken(OrganizationId(1)))[1] is not None
    assert (broken.code, broken.json) == (
        1,
        {"entries": len(left), "broken": "0000000001", "fault": "is missing"},
    )


def test_that_the_newest_entries_are_gone_shows_in_the_storage(demo: Run, app: Posthorn) -> None:
    repository, chain = app[Repository], of_chain(OrganizationId(1))
    for entry in asyncio.run(repository.all(AUDIT_ENTRIES, chain)):
        asyncio.run(repository.remove(AUDIT_ENTRIES, entry))
        broken = demo("audit", "verify", "--organization", "demo")
        fault = f"entry {entry.number} is missing"
        assert broken.err == f"posthorn: The audit log is broken: {fault}.\n"


def test_an_entry_that_was_written_anew_is_seen(demo: Run, app: Posthorn) -> None:
    repository, chain = app[Repository], of_chain(OrganizationId(1))
    _, second, *_ = asyncio.run(repository.all(AUDIT_ENTRIES, chain))

    def verified_after(entry: AuditEntry) -> str:
        asyncio.run(repository.remove(AUDIT_ENTRIES, entry))
        asyncio.run(repository.add(AUDIT_ENTRIES, entry))
        return demo("audit", "verify", "--organization", "demo").err

    changed = replace(second, address="192.0.2.1")
    fault = f"entry {second.number} is not as it was written"
    assert verified_after(changed) == f"posthorn: The audit log is broken: {fault}.\n"
    forged = replace(changed, hash=hash_of(changed.told))
    fault = f"entry {second.number + 1} does not follow from the one before it"
    assert verified_after(forged) == f"posthorn: The audit log is broken: {fault}.\n"
