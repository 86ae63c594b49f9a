"""Mail that is to be sent later: shown as it waits, sent at its time, given another one, held and cancelled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import TransactionResult
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import places, refused

EMAIL = {"from": "app@acme.test", "to": "x@example.com", "subject": "s", "text": "Hello"}
TENANT = "acme/app"
HOUR, DAY = 3_600, 86_400


def at(api: ApiWorld, seconds: float) -> str:
    """So many seconds from now."""
    moment = datetime.fromtimestamp(api.scene.posthorn[Clock].now() + seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def scheduled(api: ApiWorld, seconds: float = HOUR, **more: Any) -> Any:
    wanted = EMAIL | {"scheduled_at": at(api, seconds)} | more
    reply = api.v2("POST", "/emails", wanted)
    assert reply.status == 202, reply
    return shown(api, reply.json["id"])


def shown(api: ApiWorld, number: int) -> Any:
    return api.v2("GET", f"/emails/{number}").json


def play(api: ApiWorld, seconds: float) -> None:
    bootstrap.run(api.scene.play(seconds))


def verb(api: ApiWorld, number: int, name: str, value: Any = None) -> Any:
    return api.manage("POST", f"/emails/{number}/{name}", value, TENANT)


def test_a_scheduled_message_waits_and_leaves_within_a_minute_of_its_time(api: ApiWorld) -> None:
    wanted = at(api, HOUR)
    found = scheduled(api)
    assert (found["status"], found["scheduled_at"]) == ("Pending", wanted)
    assert (found["next_attempt_at"], found["wait"]["until"]) == (wanted, wanted)
    assert (found["wait"]["code"], found["held"], found["tries"]) == ("scheduled", False, 0)
    play(api, HOUR - 60)
    assert shown(api, found["id"]) == found
    play(api, 120)
    sent = shown(api, found["id"])
    assert (sent["status"], sent["scheduled_at"], sent["wait"]) == ("Sent", wanted, None)
    assert sent["next_attempt_at"] is None
    due = datetime.fromisoformat(wanted).timestamp()
    assert 0 <= datetime.fromisoformat(sent["last_attempt_at"]).timestamp() - due <= 60


def test_checks_run_when_it_is_sent(api: ApiWorld) -> None:
    found = scheduled(api)
    api.manage("PATCH", f"/servers/{TENANT}", {"mode": "Development"})
    play(api, HOUR + 120)
    held = shown(api, found["id"])
    assert (held["status"], held["wait"]["code"]) == ("Held", "development")
    assert verb(api, found["id"], "release").status == 200
    play(api, 60)
    assert shown(api, found["id"])["status"] == "Sent"


@pytest.mark.parametrize("seconds", [-DAY, 0])
def test_what_has_passed_is_now(api: ApiWorld, seconds: float) -> None:
    found = scheduled(api, seconds)
    assert (found["scheduled_at"], found["wait"]["code"]) == (None, "queued")
    play(api, 1)
    assert shown(api, found["id"])["status"] == "Sent"


def test_a_year_ahead_is_the_most(api: ApiWorld) -> None:
    assert scheduled(api, 365 * DAY)["status"] == "Pending"
    wrong = api.v2("POST", "/emails", EMAIL | {"scheduled_at": at(api, 365 * DAY + 1)})
    assert (wrong.status, places(wrong)) == (422, [("/scheduled_at", "invalid")])
    for text in ("tomorrow", 1_900_000_000, "2030-01-01T00:00:00", "2030-01-01"):
        wrong = api.v2("POST", "/emails", EMAIL | {"scheduled_at": text})
        assert [place for place, _ in places(wrong)] == ["/scheduled_at"], text


def test_lists_and_the_queue_know_what_is_scheduled(api: ApiWorld) -> None:
    found = scheduled(api)
    api.v2("POST", "/emails", EMAIL)
    listed = api.v2("GET", "/emails?status=scheduled").json["data"]
    assert [one["id"] for one in listed] == [found["id"]]
    (group,) = api.v2("GET", "/queue?status=scheduled").json["data"]
    assert (group["domain"], group["waiting"]) == ("example.com", 1)
    (reason,) = api.v2("GET", "/queue?status=scheduled&by=reason").json["data"]
    assert (reason["reason"], reason["next_attempt_at"]) == ("scheduled", found["scheduled_at"])
    play(api, HOUR + 120)
    assert api.v2("GET", "/emails?status=scheduled").json["data"] == []


def test_a_scheduled_message_is_cancelled(api: ApiWorld) -> None:
    found = scheduled(api)
    cancelled = verb(api, found["id"], "cancel")
    assert (cancelled.status, cancelled.json["status"]) == (200, "HoldCancelled")
    (entry,) = api.v2("GET", f"/emails/{found['id']}/deliveries").json["data"]
    assert entry["details"] == "Scheduled sending was cancelled."
    play(api, HOUR + 120)
    assert shown(api, found["id"])["status"] == "HoldCancelled"
    assert refused(verb(api, found["id"], "cancel")) == (409, "conflict")


def test_a_scheduled_message_is_held_and_released_at_once(api: ApiWorld) -> None:
    found = scheduled(api)
    held = verb(api, found["id"], "hold").json
    assert (held["status"], held["wait"]["code"]) == ("Held", "manual")
    assert api.v2("GET", "/emails?status=scheduled").json["data"] == []
    play(api, HOUR + 120)
    assert shown(api, found["id"])["status"] == "Held"
    verb(api, found["id"], "release")
    play(api, 60)
    assert shown(api, found["id"])["status"] == "Sent"


@pytest.mark.parametrize("name", ["release", "retry", "bounce", "resend"])
def test_other_verbs_are_not_for_what_is_scheduled(api: ApiWorld, name: str) -> None:
    found = scheduled(api)
    assert refused(verb(api, found["id"], name)) == (409, "conflict")
    assert shown(api, found["id"]) == found


def test_it_is_given_another_time(api: ApiWorld) -> None:
    found, later = scheduled(api), at(api, 3 * HOUR)
    path = f"/emails/{found['id']}"
    changed = api.manage("PATCH", path, {"scheduled_at": later}, TENANT)
    assert (changed.status, changed.json["scheduled_at"]) == (200, later)
    assert changed.json["next_attempt_at"] == later
    play(api, HOUR + 120)
    assert shown(api, found["id"])["status"] == "Pending"
    play(api, 2 * HOUR)
    sent = shown(api, found["id"])
    assert (sent["status"], sent["scheduled_at"]) == ("Sent", later)
    assert refused(api.manage("PATCH", path, {"scheduled_at": later}, TENANT)) == (409, "conflict")
    entry = api.manage("GET", "/audit", tenant="acme").json["data"][0]
    assert entry["action"] == "email.reschedule"
    assert entry["after"] == {"status": "Pending", "scheduled_at": later}


@pytest.mark.parametrize("seconds", [None, -HOUR])
def test_it_is_sent_now_instead(api: ApiWorld, seconds: float | None) -> None:
    found = scheduled(api)
    wanted = None if seconds is None else at(api, seconds)
    path = f"/emails/{found['id']}"
    changed = api.manage("PATCH", path, {"scheduled_at": wanted}, TENANT).json
    assert (changed["scheduled_at"], changed["wait"]["code"]) == (None, "queued")
    play(api, 1)
    assert shown(api, found["id"])["status"] == "Sent"


def test_wrong_times_change_nothing(api: ApiWorld) -> None:
    found = scheduled(api)
    path = f"/emails/{found['id']}"
    for wanted in ({"scheduled_at": at(api, 366 * DAY)}, {"scheduled_at": "soon"}, {}):
        wrong = api.manage("PATCH", path, wanted, TENANT)
        assert [place for place, _ in places(wrong)] == ["/scheduled_at"]
    assert shown(api, found["id"]) == found
    at_once = api.v2("POST", "/emails", EMAIL).json["id"]
    wanted = {"scheduled_at": at(api, HOUR)}
    not_scheduled = api.manage("PATCH", f"/emails/{at_once}", wanted, TENANT)
    assert refused(not_scheduled) == (409, "conflict")
    assert api.manage("PATCH", "/emails/424242", wanted, TENANT).status == 404


def test_a_retry_after_its_time_is_no_longer_scheduled(api: ApiWorld) -> None:
    found = scheduled(api)
    later = TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT")
    api.scene.egress.will("x@example.com", later)
    play(api, HOUR + 61)
    failed = shown(api, found["id"])
    assert (failed["status"], failed["wait"]["code"]) == ("SoftFail", "retry")
    wanted = {"scheduled_at": at(api, HOUR)}
    reply = api.manage("PATCH", f"/emails/{found['id']}", wanted, TENANT)
    assert refused(reply) == (409, "conflict")
