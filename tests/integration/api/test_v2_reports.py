"""Reports, and what messages say of how they came and what came back about them, with API v2 and the command."""

from __future__ import annotations

import json

import pytest

from chalicelib import bootstrap
from chalicelib.cli.main import main
from chalicelib.cli.session import Session
from chalicelib.domain.tenancy.routes import RouteMode
from tests.http_api import ApiWorld
from tests.incoming_mail import add_route
from tests.reported_mail import arrive, complaint, delivery_report, send

REPORT = {
    "id": 1,
    "kind": "bounce",
    "email": 1,
    "report_email": 2,
    "at": "2027-01-15T08:00:00.000Z",
    "recipient": "john@example.com",
    "cause": "recipient_unknown",
    "action": "failed",
    "status": "5.1.1",
    "diagnostic": "smtp; 550 5.1.1 User unknown",
    "remote_mta": "mx.example.com",
    "feedback_type": None,
    "source_ip": None,
    "matched_by": "return_path",
    "suppressed": True,
}


@pytest.fixture
def reported(api: ApiWorld) -> ApiWorld:
    """A message that bounced, and was complained about."""

    async def play() -> None:
        sent = await send(api.scene)
        await arrive(api.scene, sent.return_path, delivery_report())
        await arrive(api.scene, sent.return_path, complaint())

    bootstrap.run(play())
    return api


def test_reports_are_listed_and_shown(reported: ApiWorld) -> None:
    api = reported
    page = api.v2("GET", "/reports").json
    assert [one["kind"] for one in page["data"]] == ["complaint", "bounce"]
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    assert api.v2("GET", "/reports/1").json == page["data"][1] == REPORT
    first = api.v2("GET", "/reports?limit=1").json
    assert [one["id"] for one in first["data"]] == [2]
    second = api.v2("GET", f"/reports?limit=1&cursor={first['next_cursor']}").json
    assert [one["id"] for one in second["data"]] == [1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=bounce", [1]),
        ("kind=delay", []),
        ("cause=complaint", [2]),
        ("email=1", [2, 1]),
        ("email=2", []),
        ("since=2027-01-15T08:00:00Z", [2, 1]),
        ("until=2027-01-15T08:00:00Z", []),
    ],
)
def test_reports_are_narrowed(reported: ApiWorld, query: str, found: list[int]) -> None:
    page = reported.v2("GET", f"/reports?{query}").json
    assert [one["id"] for one in page["data"]] == found


@pytest.mark.parametrize("query", ["kind=other", "email=x", "email=0", "since=yesterday", "a=b"])
def test_what_cannot_be_wanted_is_refused(api: ApiWorld, query: str) -> None:
    assert api.v2("GET", f"/reports?{query}").status == 422


@pytest.mark.parametrize("name", ["3", "0", "x", "99999999999", "-1"])
def test_a_report_that_is_not_there(reported: ApiWorld, name: str) -> None:
    assert reported.v2("GET", f"/reports/{name}").status == 404


def test_a_message_shows_what_came_back(reported: ApiWorld) -> None:
    api = reported
    email = api.v2("GET", "/emails/1").json
    assert email["status"] == "Bounced"
    assert [one["id"] for one in email["reports"]] == [1, 2]
    assert email["reports"][0] == REPORT
    assert (email["spam_status"], email["route"], email["bounce_of"]) == ("NotChecked", None, None)
    assert (email["authentication"], email["envelope"]) == (None, None)
    entry = api.v2("GET", "/emails/1/deliveries").json["data"][-1]
    assert (entry["status"], entry["cause"], entry["report"]) == ("Bounced", "recipient_unknown", 1)
    incoming = api.v2("GET", "/emails?direction=incoming").json["data"]
    assert [(one["id"], one["bounce_of"], one["bounce"]) for one in incoming] == [
        (3, 1, True),
        (2, 1, True),
    ]


def test_the_list_says_why_a_recipient_is_on_it(reported: ApiWorld) -> None:
    api = reported
    (entry,) = api.manage("GET", "/suppressions", tenant="acme/app").json["data"]
    assert entry == {
        "address": "john@example.com",
        "scope": "server",
        "stream": None,
        "reason": "complaint",
        "text": "complained",
        "note": None,
        "evidence": {"email": 1, "report": 2},
        "created_by": "system",
        "created_at": "2027-01-15T08:00:00.000Z",
        "expires_at": None,
    }
    one = api.manage("GET", "/suppressions/John%40example.com", tenant="acme/app")
    assert one.json == entry
    none = api.manage("GET", "/suppressions/eve@example.com", tenant="acme/app")
    assert none.status == 404
    counts = api.manage("GET", "/suppressions/counts", tenant="acme/app").json
    assert counts["complaint"] == 1
    assert sum(counts.values()) == 1
    for query, number in (
        ("reason=bounce", 0),
        ("reason=complaint", 1),
        ("address=JOHN@example.com", 1),
        ("until=2027-01-15T08:00:00Z", 0),
    ):
        found = api.manage("GET", f"/suppressions?{query}", tenant="acme/app").json["data"]
        assert len(found) == number, query


def test_an_incoming_message_says_how_it_came(api: ApiWorld) -> None:
    async def play() -> str:
        route = await add_route(api.scene, mode=RouteMode.ACCEPT)
        await arrive(
            api.scene,
            "support+42@acme.test",
            b"From: a@b.test\r\n\r\nHi\r\n",
            route=route,
            spf="b.test",
            bounce=False,
        )
        return route.id

    route = bootstrap.run(play())
    email = api.v2("GET", "/emails/1").json
    assert (email["direction"], email["status"]) == ("incoming", "Processed")
    assert email["route"] == {"id": route, "name": "support"}
    assert email["endpoint"] is None
    assert email["envelope"]["tag"] == "42"
    assert email["authentication"]["spf"] == {
        "result": "pass",
        "domain": "b.test",
        "client": "192.0.2.1",
    }
    assert email["authentication"]["arc"] == {"result": "none"}
    assert email["spam"]["status"] == email["spam_status"] == "NotSpam"
    assert email["threat"] == {"found": False, "details": "No threats found"}


def test_the_command_lists_and_shows_reports(
    reported: ApiWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")

    def printed(*arguments: str) -> str:
        program = reported.scene.posthorn
        server = ["--server", "acme/app"]
        code = main([*arguments, *server], Session(open_installation=lambda: program))
        assert code == 0
        return capsys.readouterr().out

    listed = printed("report", "list", "--kind", "bounce")
    assert "recipient_unknown" in listed
    assert "complaint" not in listed
    told = json.loads(printed("--json", "report", "show", "1"))
    assert told == REPORT
    assert "message 1, by return_path" in printed("report", "show", "1")
    assert "complaint" in printed("suppression", "list")
    shown = printed("suppression", "show", "john@example.com")
    assert "complained" in shown
    assert "for good" in shown
    timeline = printed("message", "show", "1")
    assert "Bounce" in timeline
    assert "Complaint" in timeline
