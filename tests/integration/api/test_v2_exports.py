"""Exports of messages, reports and the audit log: the rows are the objects of the lists, in CSV and in JSON lines."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.report import Report, ReportKind
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.reports import Reports
from chalicelib.services.jobs import export, mail_found
from chalicelib.services.jobs.run import RunJobs
from tests.fakes import a_report
from tests.http_api import ApiWorld
from tests.incoming_play import arrives, carry, smtp_route
from tests.integration.api.test_v2_jobs import exported as made
from tests.integration.api.test_v2_jobs import file_of, ran, start

SENT = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x"}
SERVER, WHOLE = "acme/app", "acme"


def listed(api: ApiWorld, path: str, tenant: str = SERVER) -> list[Any]:
    found: list[Any] = api.manage("GET", path, tenant=tenant).json["data"]
    return found


def rows_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def cells_of(text: str) -> list[dict[str, str]]:
    assert text.count("\r\n") == text.count("\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def traffic(api: ApiWorld) -> None:
    scene = api.scene
    route = await smtp_route(scene)
    await arrives(scene, route)
    await carry(scene)
    await scene.deliver_ready()


def mail(api: ApiWorld) -> None:
    """Messages of both directions that stand in all kinds of ways."""
    more: list[dict[str, Any]] = [
        {},
        {"tag": "=1+1", "metadata": {"order": "17"}, "stream": "transactional"},
        {"scheduled_at": "2027-06-01T00:00:00Z"},
    ]
    first, *_ = [
        api.v2("POST", "/emails", {**SENT, **one, "subject": "=cmd()"}).json["id"] for one in more
    ]
    api.manage("POST", f"/emails/{first}/hold", tenant=SERVER)
    bootstrap.run(traffic(api))


def test_messages_are_exported_as_the_list_shows_them(api: ApiWorld) -> None:
    mail(api)
    job, text = made(api, what="emails", format="ndjson")
    both = listed(api, "/emails") + listed(api, "/emails?direction=incoming")
    rows = rows_of(text)
    assert rows == both
    assert [list(one) for one in rows] == [list(both[0])] * len(both)
    assert job["result"]["rows"] == 4
    _, text = made(api, what="emails", filter={"status": "held"})
    (row,) = cells_of(text)
    assert list(row) == list(both[0])
    assert (row["subject"], row["held"], row["tag"]) == ("'=cmd()", "true", "")
    assert json.loads(row["wait"])["code"] == "manual"
    assert row["resent_as"] == "[]"


def test_reports_are_exported_as_the_list_shows_them(api: ApiWorld) -> None:
    mail(api)
    reports, server = api.scene.posthorn[Reports], api.scene.server.id
    for number, kind in ((1, ReportKind.BOUNCE), (2, ReportKind.COMPLAINT)):
        one: Report = a_report(number, MessageId(1), MessageId(4 + number), kind=kind)
        bootstrap.run(reports.add(server, one))
    _, text = made(api, what="reports", format="ndjson")
    assert rows_of(text) == listed(api, "/reports")
    assert len(rows_of(text)) == 2
    _, text = made(api, what="reports", filter={"kind": "complaint"})
    (row,) = cells_of(text)
    assert list(row) == list(listed(api, "/reports")[0])
    assert row["kind"] == "complaint"


def test_the_audit_log_is_exported_as_whoever_asks_may_read_it(api: ApiWorld) -> None:
    mail(api)
    api.manage("POST", "/servers", {"name": "Other"}, WHOLE)
    _, text = made(api, WHOLE, what="audit", format="ndjson")
    rows = rows_of(text)
    assert rows[-1]["id"] == "0000000001"
    known = {one["id"]: one for one in listed(api, "/audit?limit=100", WHOLE)}
    assert all(known[one["id"]] == one for one in rows)
    _, text = made(api, what="audit", format="ndjson")
    assert {one["tenant"] for one in rows_of(text)} == {SERVER}
    wanted = {"name": "k", "scopes": ["audit:read"], "servers": ["app"]}
    key = api.manage("POST", "/keys", wanted, WHOLE).json["key"]
    job = {"type": "export", "what": "audit", "format": "ndjson"}
    number = api.manage("POST", "/jobs", job, WHOLE, key).json["id"]
    limited = rows_of(file_of(api, ran(api, number, WHOLE)))
    assert {one["tenant"] for one in limited} == {SERVER}
    _, text = made(api, WHOLE, what="audit", filter={"action": "email.hold"})
    (row,) = cells_of(text)
    assert json.loads(row["after"])["status"] == "Held"


@pytest.mark.parametrize("what", ["emails", "reports"])
def test_an_organization_has_neither_messages_nor_reports(api: ApiWorld, what: str) -> None:
    reply = start(api, WHOLE, type="export", what=what)
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/what")


def test_a_look_counts_rows_and_names_some(api: ApiWorld) -> None:
    mail(api)
    looked = start(api, type="export", what="emails", dry_run=True).json
    assert (looked["matched"], looked["exact"]) == (4, True)
    assert sorted(looked["sample"]) == [1, 2, 3, 4]


def test_a_key_needs_the_scope_of_what_it_exports(api: ApiWorld) -> None:
    wanted = {"name": "k", "scopes": ["suppressions:read"]}
    key = api.manage("POST", "/keys", wanted, WHOLE).json["key"]
    for what, scope in (("emails", "emails:read"), ("audit", "audit:read")):
        reply = api.manage("POST", "/jobs", {"type": "export", "what": what}, SERVER, key)
        assert (reply.status, reply.json["scope"]) == (403, scope)


@pytest.mark.parametrize("smallest", [1, 2_000, 100_000])
@pytest.mark.parametrize("verb", ["keep", "begin_whole", "add_part", "end_whole", "change"])
def test_a_runner_that_dies_leaves_no_row_out_and_none_twice(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, verb: str, smallest: int
) -> None:
    for number in range(11):
        api.v2("POST", "/emails", {**SENT, "subject": f"s{number}"})
    monkeypatch.setattr(mail_found, "SOME", 3)
    monkeypatch.setattr(mail_found, "MOST_LISTED", 3)
    monkeypatch.setattr(export, "SMALLEST_PART", smallest)
    port: Any = api.scene.posthorn[Jobs if verb == "change" else BlobStore]
    original, calls = getattr(port, verb), [0]

    async def dying(*given: Any) -> Any:
        """Each call dies once, behind what it has done."""
        done = await original(*given)
        calls[0] += 1
        if calls[0] % 2:
            raise TemporaryFailure("dead")
        return done

    number = start(api, type="export", what="emails", format="ndjson").json["id"]
    monkeypatch.setattr(port, verb, dying)
    for _ in range(40):
        with contextlib.suppress(TemporaryFailure):
            bootstrap.run(api.scene.posthorn[RunJobs].run(60))
        api.scene.clock.advance(61)
    monkeypatch.setattr(port, verb, original)
    job = ran(api, number)
    assert (job["status"], job["done"]) == ("done", 11)
    rows = rows_of(file_of(api, job))
    assert sorted(one["id"] for one in rows) == list(range(1, 12))
