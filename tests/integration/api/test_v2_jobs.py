"""Jobs with API v2: imports and exports of suppressions, a runner that dies, stops, and ten at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.suppression import Name, Reason
from chalicelib.domain.webhooks.delivery import DeliveryStatus, Replay
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.jobs import export
from chalicelib.services.jobs import exported_suppressions as exported_lists
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.suppress import SuppressRecipients
from tests.http_api import ApiWorld, Reply
from tests.webhook_events import a_delivery

SERVER, WHOLE = "acme/app", "acme"
THREE = "address,reason\na@x.example,bounce\nb@x.example,complaint\nnobody,bounce\n"


def start(api: ApiWorld, tenant: str = SERVER, **fields: Any) -> Reply:
    return api.manage("POST", "/jobs", fields, tenant)


def imported(api: ApiWorld, csv: str, **fields: Any) -> Any:
    """An import that has run."""
    made = start(api, type="import_suppressions", csv=csv, **fields)
    assert made.status == 202, made
    return ran(api, made.json["id"])


def ran(api: ApiWorld, number: str, tenant: str = SERVER) -> Any:
    bootstrap.run(api.scene.posthorn[RunJobs].run(60))
    return api.manage("GET", f"/jobs/{number}", tenant=tenant).json


def exported(api: ApiWorld, tenant: str = SERVER, **fields: Any) -> tuple[Any, str]:
    """An export that has run, and its file."""
    made = start(api, tenant, **{"type": "export", "what": "suppressions", **fields})
    assert made.status == 202, made
    job = ran(api, made.json["id"], tenant)
    assert job["status"] == "done", job
    return job, file_of(api, job)


def file_of(api: ApiWorld, job: Any) -> str:
    """What lies at the address of an export."""
    from chalicelib.adapters.sqlite.links import SignedLinks

    posthorn = api.scene.posthorn
    path = "/" + job["result"]["url"].split("/", 3)[3]
    ref = posthorn[SignedLinks].read_link(path, api.scene.clock.now())
    return bootstrap.run(posthorn[BlobStore].get(ref)).decode()


def addresses(api: ApiWorld) -> list[str]:
    page = api.manage("GET", "/suppressions?limit=100", tenant=SERVER).json
    return sorted(one["address"] for one in page["data"])


def test_an_import_lists_what_its_rows_say(api: ApiWorld) -> None:
    made = start(api, type="import_suppressions", csv=THREE)
    assert (made.status, made.json["status"]) == (202, "queued")
    assert made.headers["location"] == f"/api/v2/jobs/{made.json['id']}"
    job = ran(api, made.json["id"])
    assert job == made.json | {
        "status": "done",
        "matched": 3,
        "done": 2,
        "failed": 1,
        "result": {
            "added": 2,
            "updated": 0,
            "invalid": [{"line": 4, "detail": "Line 4 has no e-mail address"}],
        },
        "finished_at": job["finished_at"],
    }
    found = api.manage("GET", "/suppressions/b@x.example", tenant=SERVER).json
    assert (found["reason"], found["created_by"], found["expires_at"]) == (
        "complaint",
        "root",
        None,
    )
    api.scene.clock.advance(1)
    again = imported(api, THREE.replace("complaint", "bounce"))
    assert again["result"] | {"invalid": []} == {"added": 0, "updated": 2, "invalid": []}
    found = api.manage("GET", "/suppressions/b@x.example", tenant=SERVER).json
    assert found["reason"] == "complaint"
    audit = api.manage("GET", "/audit?action=job.create", tenant=SERVER).json["data"]
    assert [one["after"] for one in audit] == [{"type": "import_suppressions"}] * 2


def a_stream(api: ApiWorld, name: str) -> None:
    wanted = {"name": name, "type": "broadcast"}
    assert api.manage("POST", "/streams", wanted, SERVER).status == 201


def test_rows_of_streams_that_the_server_lacks_are_invalid(api: ApiWorld) -> None:
    csv = (
        "address,scope,stream\na@x.example,stream,news\nb@x.example,stream,none\n"
        "c@x.example,stream,transactional\n"
    )
    invalid = [{"line": 3, "detail": "Line 3 names a stream that this server lacks"}]
    a_stream(api, "news")
    looked = start(api, type="import_suppressions", csv=csv, dry_run=True).json
    assert looked["result"] == {"added": 2, "updated": 0, "invalid": invalid}
    job = imported(api, csv)
    assert (job["done"], job["failed"]) == (2, 1)
    assert job["result"] == {"added": 2, "updated": 0, "invalid": invalid}
    for more in ({}, {"dry_run": True}):
        whole = {"type": "import_suppressions", "csv": "address\n", "scope": "stream"}
        reply = start(api, **whole, **more, stream="none")
        (error,) = reply.json["errors"]
        assert (reply.status, error["pointer"], error["code"]) == (
            422,
            "/stream",
            "unknown_reference",
        )
        assert start(api, **whole, **more, stream="news").status in (200, 202)


def test_a_file_of_our_own_goes_out_and_in(api: ApiWorld) -> None:
    a_stream(api, "news")
    wanted = {"reason": "unsubscribe", "note": '=1+1, "so"', "expires_at": "2027-03-01T00:00:00Z"}
    for fields in (
        {"address": "=x@a.example"},
        {"address": "*@b.example", **wanted},
        {"address": "c@a.example", "scope": "stream", "stream": "news"},
    ):
        assert api.manage("POST", "/suppressions", fields, SERVER).status == 201
    job, text = exported(api)
    assert text.split("\r\n")[0] == "address,scope,stream,reason,note,created_at,expires_at"
    assert "\r\n'=x@a.example,server," in text
    assert '"\'=1+1, ""so"""' in text
    assert job["result"]["rows"] == job["matched"] == job["done"] == 3
    assert job["result"]["bytes"] == len(text.encode())
    before = api.manage("GET", "/suppressions", tenant=SERVER).json["data"]
    for one in before:
        at = f"/suppressions/{one['address']}"
        query = f"?stream={one['stream']}" if one["stream"] else ""
        assert api.manage("DELETE", f"{at}{query}", tenant=SERVER).status == 204
    assert imported(api, text)["result"] == {"added": 3, "updated": 0, "invalid": []}
    after = api.manage("GET", "/suppressions", tenant=SERVER).json["data"]
    kept = ("address", "scope", "stream", "reason", "note", "expires_at")

    def facts(entries: Any) -> list[list[Any]]:
        return sorted(([one[name] for name in kept] for one in entries), key=str)

    assert facts(after) == facts(before)


def test_an_export_is_narrowed_and_its_address_is_made_anew(api: ApiWorld) -> None:
    imported(api, THREE)
    api.manage("POST", "/suppressions", {"address": "o@x.example"}, WHOLE)
    job, text = exported(api, filter={"reason": "bounce"}, format="ndjson")
    assert [json.loads(line)["address"] for line in text.splitlines()] == ["a@x.example"]
    assert job["parameters"]["filter"] == {"reason": "bounce"}
    _, whole = exported(api, WHOLE)
    assert whole.count("\r\n") == 2
    assert exported(api)[1].count("\r\n") == 4
    at = f"/jobs/{job['id']}"
    api.scene.clock.advance(5_000)
    again = api.manage("GET", at, tenant=SERVER).json
    assert again["result"]["url"] != job["result"]["url"]
    assert file_of(api, again) == text
    api.scene.clock.advance(7 * 86_400)
    over = api.manage("GET", at, tenant=SERVER).json["result"]
    assert (over["url"], over["url_expires_at"], over["rows"]) == (None, None, 1)
    api.scene.clock.advance(24 * 86_400)
    assert api.manage("GET", "/jobs", tenant=SERVER).json["data"] == []


def test_an_export_of_many_parts_is_whole(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported_lists, "PART", 2)
    names = [f"u{number:02}@x.example" for number in range(37)]
    imported(api, "address\n" + "".join(f"{name}\n" for name in names))
    for smallest in (1, 300, 100_000):
        monkeypatch.setattr(export, "SMALLEST_PART", smallest)
        job, text = exported(api)
        lines = text.split("\r\n")
        assert sorted(line.partition(",")[0] for line in lines[1:-1]) == names
        assert lines[0].startswith("address,scope")
        assert job["result"]["bytes"] == len(text)
        _, bare = exported(api, format="ndjson")
        assert bare.count("\n") == len(names)


def test_a_look_at_an_import_changes_nothing(api: ApiWorld) -> None:
    reply = start(api, type="import_suppressions", csv=THREE, dry_run=True)
    assert reply.status == 200
    assert reply.json == {
        "type": "import_suppressions",
        "matched": 3,
        "exact": True,
        "by_status": {},
        "skipped": [],
        "sample": ["a@x.example", "b@x.example"],
        "result": {
            "added": 2,
            "updated": 0,
            "invalid": [{"line": 4, "detail": "Line 4 has no e-mail address"}],
        },
    }
    many = "address\n" + "".join(f"u{number}@x.example\n" for number in range(10_002))
    reply = start(api, type="import_suppressions", csv=many, dry_run=True).json
    assert (reply["matched"], reply["exact"]) == (10_000, False)
    assert addresses(api) == []
    assert api.manage("GET", "/jobs", tenant=SERVER).json["data"] == []
    imported(api, THREE)
    looked = start(api, type="export", what="suppressions", dry_run=True).json
    assert (looked["matched"], looked["exact"], looked["result"]) == (2, True, None)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_runner_that_dies_counts_nothing_twice(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, call: int, when: str
) -> None:
    rows = "".join(f"user{number}@x.example\n" for number in range(2_200))
    text = f"address\n{rows}user1@x.example\n"
    number = start(api, type="import_suppressions", csv=text).json["id"]
    lists = api.scene.posthorn[SuppressionList]
    original, calls = lists.put_all, iter(range(1, 100))

    async def dying(*given: Any) -> set[Name]:
        dies = next(calls) == call
        if dies and when == "before":
            raise TemporaryFailure("dead")
        refused = await original(*given)
        if dies:
            raise TemporaryFailure("dead")
        return refused

    monkeypatch.setattr(lists, "put_all", dying)
    assert ran(api, number)["status"] == "running"
    api.scene.clock.advance(61)
    job = ran(api, number)
    assert (job["status"], job["matched"], job["done"]) == ("done", 2_201, 2_201)
    assert job["result"] == {"added": 2_200, "updated": 1, "invalid": []}


def test_an_import_leaves_what_comes_between_its_look_and_its_word(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, suppress = api.scene.posthorn[SuppressionList], api.scene.posthorn[SuppressRecipients]
    imported(api, "address,reason\nold@x.example,bounce\ngone@x.example,bounce\n")
    original, comes_between = lists.put_all, iter([True])

    async def between(*given: Any) -> set[Name]:
        if next(comes_between, False):
            api.scene.clock.advance(1)
            server = api.scene.server
            for name in ("a@x.example", "old@x.example"):
                await suppress.add(server, name, Reason.COMPLAINT)
            await suppress.remove(server.id, Name("gone@x.example"))
        return await original(*given)

    monkeypatch.setattr(lists, "put_all", between)
    api.scene.clock.advance(1)
    names = ("a", "A", "b", "b", "old", "gone")
    rows = "".join(f"{name}@x.example,bounce\n" for name in names)
    job = imported(api, f"address,reason\n{rows}")
    # Only the first row of b and that of the entry that was removed are new.
    assert job["result"] == {"added": 2, "updated": 4, "invalid": []}
    page = api.manage("GET", "/suppressions?limit=100", tenant=SERVER).json
    reasons = {one["address"]: one["reason"] for one in page["data"]}
    assert reasons == {
        "a@x.example": "complaint",
        "old@x.example": "complaint",
        "b@x.example": "bounce",
        "gone@x.example": "bounce",
    }


def test_a_job_is_stopped_between_two_pieces(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"user{number}@x.example\n" for number in range(1_200))
    at = (
        f"/jobs/{start(api, type='import_suppressions', csv='address' + chr(10) + rows).json['id']}"
    )
    lists = api.scene.posthorn[SuppressionList]
    original = lists.put_all

    async def stopping(*given: Any) -> set[Name]:
        refused = await original(*given)
        job = (await api.scene.posthorn[Jobs].page(api.scene.server.id, 1, 0)).values[0]
        from chalicelib.services.jobs.keep import KeepJobs
        from chalicelib.services.jobs.kinds import JobOwner

        owner = JobOwner(api.scene.server.organization_id, SERVER, api.scene.server)
        await api.scene.posthorn[KeepJobs].stop(owner, job.id)
        return refused

    monkeypatch.setattr(lists, "put_all", stopping)
    bootstrap.run(api.scene.posthorn[RunJobs].run(60))
    job = api.manage("GET", at, tenant=SERVER).json
    assert (job["status"], job["done"]) == ("stopped", 1_000)
    assert job["finished_at"] is not None
    again = api.manage("POST", f"{at}/stop", tenant=SERVER)
    assert (again.status, again.json) == (200, job)
    names = [Name(f"user{number}@x.example") for number in (0, 999, 1_000)]
    found = bootstrap.run(lists.get(api.scene.server.id, names, api.scene.clock.now()))
    assert list(found) == names[:2]


def test_ten_jobs_of_a_tenant_run_at_a_time(api: ApiWorld) -> None:
    for number in range(12):
        start(api, type="import_suppressions", csv=f"address\nu{number}@x.example\n")
    runner, jobs = api.scene.posthorn[RunJobs], api.scene.posthorn[Jobs]
    waiting = bootstrap.run(jobs.open(100))
    assert len(runner._in_turn(waiting)) == 10
    assert ran(api, waiting[-1][1].id)["status"] == "done"
    assert bootstrap.run(jobs.open(100)) == []
    page = api.manage("GET", "/jobs?limit=5", tenant=SERVER).json
    assert len(page["data"]) == 5
    rest = api.manage("GET", f"/jobs?limit=9&cursor={page['next_cursor']}", tenant=SERVER).json
    assert (len(rest["data"]), rest["has_more"]) == (7, False)
    statuses = {one["status"] for one in page["data"] + rest["data"]}
    assert statuses == {JobStatus.DONE}


@pytest.mark.parametrize(
    ("tenant", "fields", "pointer"),
    [
        (SERVER, {"type": "import_suppressions"}, "/csv"),
        (SERVER, {"type": "import_suppressions", "csv": "address\n", "upload": "a"}, "/csv"),
        (SERVER, {"type": "import_suppressions", "csv": "x,y\n"}, "/csv"),
        (SERVER, {"type": "import_suppressions", "csv": ""}, "/csv"),
        (SERVER, {"type": "import_suppressions", "csv": "address\na\0b"}, "/csv"),
        (SERVER, {"type": "import_suppressions", "upload": "0" * 32}, "/upload"),
        (SERVER, {"type": "import_suppressions", "csv": "address\n", "stream": "n"}, "/stream"),
        (SERVER, {"type": "import_suppressions", "csv": "address\n", "scope": "stream"}, "/stream"),
        (
            SERVER,
            {"type": "import_suppressions", "csv": "address\n", "what": "suppressions"},
            "/what",
        ),
        (WHOLE, {"type": "import_suppressions", "csv": "address\n"}, "/type"),
        (SERVER, {"type": "export"}, "/what"),
        (SERVER, {"type": "export", "what": "suppressions", "csv": "a"}, "/csv"),
        (SERVER, {"type": "other"}, "/type"),
    ],
)
def test_what_cannot_be_started_is_refused(
    api: ApiWorld, tenant: str, fields: dict[str, Any], pointer: str
) -> None:
    reply = start(api, tenant, **fields)
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_job_needs_the_scope_of_its_type(api: ApiWorld) -> None:
    number = start(api, type="import_suppressions", csv=THREE).json["id"]
    wanted = {"name": "k", "scopes": ["suppressions:read"]}
    key = api.manage("POST", "/keys", wanted, WHOLE).json["key"]
    for method, path, value in (
        ("GET", f"/jobs/{number}", None),
        ("POST", f"/jobs/{number}/stop", None),
        ("POST", "/jobs", {"type": "import_suppressions", "csv": THREE}),
    ):
        reply = api.manage(method, path, value, SERVER, key)
        assert (reply.status, reply.json["scope"]) == (403, "suppressions:write")
    assert api.manage("GET", "/jobs", tenant=SERVER, key=key).json["data"] == []
    export = {"type": "export", "what": "suppressions"}
    assert api.manage("POST", "/jobs", export, SERVER, key).status == 202
    assert len(api.manage("GET", "/jobs", tenant=SERVER, key=key).json["data"]) == 1
    assert api.manage("GET", f"/jobs/{number}", tenant=WHOLE).status == 404


def test_deliveries_of_webhooks_are_sent_once_more(api: ApiWorld) -> None:
    made = {"url": "https://hooks.example/"}
    webhook = api.manage("POST", "/webhooks", made, SERVER).json["id"]
    deliveries = api.scene.posthorn[WebhookDeliveries]
    told = {"status": DeliveryStatus.FAILED, "created_at": api.scene.clock.now() - 1}
    several = [
        a_delivery(api.scene.server.id, number, webhook=webhook, **told) for number in range(3)
    ]
    gone = a_delivery(api.scene.server.id, 3, webhook="whgone", **told)
    bootstrap.run(deliveries.add([*several, gone]))
    wanted = {"type": "replay_webhooks", "status": "failed"}
    looked = start(api, **wanted, dry_run=True).json
    assert (looked["matched"], looked["exact"], len(looked["sample"])) == (4, True, 4)
    job = ran(api, start(api, **wanted).json["id"])
    assert (job["status"], job["matched"], job["done"], job["failed"]) == ("done", 4, 3, 1)
    assert job["errors"] == [{"id": gone.id, "detail": "The webhook of this delivery was deleted"}]
    for one in several:
        assert bootstrap.run(deliveries.get(one.server_id, one.id)).replay == Replay()
    url = "https://elsewhere.example/in"
    job = ran(
        api, start(api, **wanted, webhook=webhook, events=["domain.dns_failed"], url=url).json["id"]
    )
    assert (job["matched"], job["parameters"]["url"]) == (0, url)
    for wrong in (
        *("https://user:word@elsewhere.example/", "ftp://x.example/", "https://127.0.0.1/"),
        "http://us℀er@example.com/",
    ):
        reply = start(api, **wanted, url=wrong)
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/url"), wrong
    for dry_run in (False, True):
        reply = start(api, **wanted, webhook="whunknown", dry_run=dry_run)
        (error,) = reply.json["errors"]
        assert reply.status == 422
        assert (error["pointer"], error["code"]) == ("/webhook", "unknown_reference")


async def _gone(*_: Any) -> None:
    raise NotFound("It is not kept any more")


def test_an_export_whose_bytes_are_always_gone_ends(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(api, THREE)
    monkeypatch.setattr(api.scene.posthorn[BlobStore], "kept", _gone)
    made = start(api, type="export", what="suppressions")
    job = ran(api, made.json["id"])
    assert job["status"] == "failed"
    assert "not kept any more" in json.dumps(job["errors"])
