"""What is done with one message by hand: what each verb is allowed for, what it does, and the entry that it leaves."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.repository import SqliteRepository
from chalicelib.adapters.system.faults import raising
from chalicelib.bootstrap import in_memory
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.audit import first_broken
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.queue.message_actions import MessageActions, operation_of
from onehost.upkeep import Upkeep
from tests.fakes import a_job
from tests.http_api import ApiWorld, Reply
from tests.integration.api.test_v2_audit import entries
from tests.integration.api.test_v2_management import a_key, refused
from tests.listed import list_new
from tests.worlds import STORES, Scene

SENT = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x", "tag": "t"}
SERVER = "acme/app"


def sent(api: ApiWorld) -> int:
    """A message that waits for its first attempt."""
    number: int = api.v2("POST", "/emails", SENT).json["id"]
    return number


def held(api: ApiWorld) -> int:
    number = sent(api)
    assert done(api, number, "hold").status == 200
    return number


def done(api: ApiWorld, number: int | str, verb: str, value: Any = None, **more: Any) -> Reply:
    return api.manage("POST", f"/emails/{number}/{verb}", value, SERVER, **more)


def last_log(api: ApiWorld, number: int) -> tuple[str, str]:
    entry = api.v2("GET", f"/emails/{number}/deliveries").json["data"][-1]
    return entry["status"], entry["details"]


def deliver(api: ApiWorld) -> None:
    bootstrap.run(api.scene.deliver_ready())


def test_a_waiting_message_is_held_and_released(api: ApiWorld) -> None:
    number = sent(api)
    email = done(api, number, "hold").json
    assert (email["status"], email["held"]) == ("Held", True)
    assert last_log(api, number) == ("Held", "Held by root.")
    assert [one["id"] for one in api.v2("GET", "/emails?status=held").json["data"]] == [number]
    deliver(api)  # the wake-up that was under way is of an attempt that is over
    assert api.v2("GET", f"/emails/{number}").json["status"] == "Held"
    assert refused(done(api, number, "hold")) == (409, "conflict")

    assert done(api, number, "release").json["status"] == "Pending"
    deliver(api)
    assert api.v2("GET", f"/emails/{number}").json["status"] == "Sent"
    assert len(api.scene.egress.received) == 1


def test_a_hold_by_hand_expires(api: ApiWorld) -> None:
    number = held(api)
    bootstrap.run(api.scene.play(8 * 86_400, step=43_200))
    assert api.v2("GET", f"/emails/{number}").json["status"] == "HoldCancelled"


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize(
    ("verb", "status", "text"),
    [
        ("cancel", "HoldCancelled", "The hold on this message has been removed without action."),
        ("bounce", "HardFail", "Given up by root."),
    ],
)
def test_what_is_open_is_ended(
    api: ApiWorld, verb: str, status: str, text: str, is_held: bool
) -> None:
    number = held(api) if is_held else sent(api)
    email = done(api, number, verb).json
    assert (email["status"], email["held"], email["next_attempt_at"]) == (status, False, None)
    assert last_log(api, number) == (status, text)
    bootstrap.run(api.scene.play(600))
    assert api.scene.egress.received == []
    assert refused(done(api, number, verb)) == (409, "conflict")
    expected = 409 if verb == "cancel" else 200
    assert done(api, number, "retry").status == expected


def test_what_was_sent_is_only_resent(api: ApiWorld) -> None:
    number = sent(api)
    assert refused(done(api, number, "resend")) == (409, "conflict")
    deliver(api)
    for verb in ("hold", "release", "cancel", "retry", "bounce"):
        assert refused(done(api, number, verb)) == (409, "conflict"), verb
    reply = done(api, number, "resend")
    assert reply.status == 202
    again = reply.json["id"]
    assert reply.json["emails"][0]["to"] == "john@example.com"
    new = api.v2("GET", f"/emails/{again}").json
    assert (new["resend_of"], new["resent_as"], new["tag"]) == (number, [], "t")
    assert api.content(again) == api.content(number)
    old = api.v2("GET", f"/emails/{number}").json
    assert (old["resend_of"], old["resent_as"]) == (None, [again])
    third = done(api, number, "resend").json["id"]
    assert api.v2("GET", f"/emails/{number}").json["resent_as"] == [again, third]
    deliver(api)
    assert len(api.scene.egress.received) == 3
    assert api.v2("GET", f"/emails/{number}").json["message_id"] == new["message_id"]


def test_a_message_is_named_by_its_token_too(api: ApiWorld) -> None:
    token = api.v2("POST", "/emails", SENT).json["emails"][0]["token"]
    assert done(api, token, "cancel").json["status"] == "HoldCancelled"
    assert refused(done(api, 99, "cancel")) == (404, "not_found")
    assert refused(api.manage("POST", "/emails/99/burn", tenant=SERVER)) == (404, "not_found")
    assert refused(done(api, token, "cancel", {"now": True})) == (422, "invalid_request")


def test_one_that_is_being_sent_is_left_alone(api: ApiWorld) -> None:
    number = sent(api)
    record = stored(api, number)
    now = int(api.scene.clock.now())
    store = api.scene.posthorn[MessageStore]
    bootstrap.run(store.claim(a_job(record.message), "worker", now, now + 300))
    for verb in ("hold", "release", "cancel", "retry", "bounce", "resend"):
        reply = done(api, number, verb)
        assert refused(reply) == (409, "conflict"), verb
        assert 1 <= int(reply.headers["retry-after"]) <= 30
    api.scene.clock.advance(301)
    assert done(api, number, "hold").status == 200, "whoever had it is dead"


def test_what_needs_which_scope(api: ApiWorld) -> None:
    number = held(api)
    own = a_key(api, "emails:write")
    assert refused(done(api, number, "resend", key=own)) == (403, "scope_missing")
    allow = {"allow": True, "note": "asked by phone"}
    assert refused(done(api, number, "release", allow, key=own)) == (403, "scope_missing")
    other = a_key(api, "emails:send", "emails:read")
    assert refused(done(api, number, "cancel", key=other)) == (403, "scope_missing")
    assert done(api, number, "release", {"note": "why"}, key=own).status == 200


def test_a_suspended_server_sends_nothing_by_hand(api: ApiWorld) -> None:
    number = held(api)
    api.manage("POST", "/servers/acme/app/suspend", {"reason": "spam"})
    for verb in ("release", "retry", "resend"):
        assert refused(done(api, number, verb)) == (403, "server_suspended"), verb
    assert done(api, number, "cancel").status == 200


def test_without_content_nothing_is_sent(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    number = held(api)
    record = stored(api, number)
    segments = api.scene.posthorn[STORES[-1]]
    segments.remove(record.message.blob.key)
    for verb in ("release", "retry"):
        assert refused(done(api, number, verb)) == (409, "conflict"), verb
    assert done(api, number, "cancel").status == 200
    assert refused(done(api, number, "resend")) == (409, "conflict")


def test_a_release_may_take_the_recipient_off_the_suppression_list(api: ApiWorld) -> None:
    now = api.scene.clock.now()
    entry = Suppression("john@example.com", "too many hard fails", now, int(now) + 9_999)
    suppressions, server = api.scene.posthorn[SuppressionList], api.scene.server.id
    bootstrap.run(list_new(suppressions, server, [entry]))
    number = sent(api)
    deliver(api)
    assert api.v2("GET", f"/emails/{number}").json["status"] == "Held"
    wanted = {"allow": True, "note": "ask john@example.com"}
    assert done(api, number, "release", wanted).status == 200
    assert bootstrap.run(suppressions.count([server], now)) == {}
    after = entries(api)[0]["after"]
    hashed = hashlib.sha256(b"john@example.com").hexdigest()
    assert after == {"status": "Pending", "allow": True, "note": f"ask sha256:{hashed}"}


def test_each_operation_leaves_one_entry(api: ApiWorld) -> None:
    own = a_key(api, "emails:write", "emails:send")
    number = sent(api)
    done(api, number, "hold", key=own)
    done(api, number, "cancel", key=own)
    again = done(api, number, "resend", key=own).json["id"]
    resent, cancelled, is_held = entries(api)[:3]
    token = api.v2("GET", f"/emails/{number}").json["token"]
    for entry in (resent, cancelled, is_held):
        assert entry["tenant"] == SERVER
        assert entry["object"] == {"type": "email", "id": str(number), "name": token}
        assert entry["actor"]["name"] == "k"
        assert entry["address"] == "127.0.0.1"
        assert entry["request_id"]
    assert (is_held["action"], is_held["before"], is_held["after"]) == (
        "email.hold",
        {"status": "Pending"},
        {"status": "Held"},
    )
    assert (cancelled["action"], cancelled["after"]) == (
        "email.cancel",
        {"status": "HoldCancelled"},
    )
    assert (resent["action"], resent["before"], resent["after"]) == (
        "email.resend",
        None,
        {"resent_as": again},
    )
    before = entries(api, query="?limit=100")
    for _ in range(2):
        bootstrap.run(Upkeep(api.scene.posthorn).feed())
    assert entries(api, query="?limit=100") == before
    assert first_broken(before[::-1]) is None


def test_a_repeated_request_is_answered_once(api: ApiWorld) -> None:
    number = sent(api)
    deliver(api)
    first = done(api, number, "resend", idempotency_key="one")
    again = done(api, number, "resend", idempotency_key="one")
    assert first.json == again.json
    assert again.headers["idempotent-replayed"] == "true"
    assert api.v2("GET", f"/emails/{number}").json["resent_as"] == [first.json["id"]]


@pytest.mark.parametrize("verb", ["cancel", "resend"])
def test_who_dies_between_change_and_entry_leaves_both_to_the_outbox(
    api: ApiWorld, verb: str
) -> None:
    number = sent(api)
    if verb == "resend":
        done(api, number, "cancel")
    whole = api.scene.posthorn
    away = TemporaryFailure("The store is away")
    dying = in_memory(
        parts={
            Repository: raising(whole[SqliteRepository], "change", away),
            **{one: whole[one] for one in STORES},
        }
    )
    record = stored(api, number)
    if verb == "cancel":
        actions = dying[MessageActions]
        bootstrap.run(actions.cancel(api.scene.server.id, record.message.id))
        assert stored(api, number).status is Status.HOLD_CANCELLED
    else:
        again = bootstrap.run(resent_without_a_word(whole, dying, api.scene, record))
    entered = [one["action"] for one in entries(api)]
    assert entered.count(f"email.{verb}") == 0
    for _ in range(2):
        bootstrap.run(Upkeep(whole).feed())
    entered = [one["action"] for one in entries(api, query="?limit=100")]
    assert entered.count(f"email.{verb}") == 1
    assert entries(api)[0]["actor"]["kind"] == "system"
    if verb == "resend":
        assert stored(api, number).resent_as == (again,)


def test_what_was_done_on_a_server_that_was_removed_then_is_entered_all_the_same(
    api: ApiWorld,
) -> None:
    record = stored(api, sent(api))
    operation = operation_of("hold", record, 0.0, record.attempt, {}, {})
    assert api.manage("DELETE", "/servers/acme/app?confirm=app").status == 204
    recording = api.scene.posthorn[RecordOperations]
    for _ in range(2):
        bootstrap.run(recording.record(record.message.server_id, record.message.id, operation))
    entered = [one for one in entries(api) if one["action"] == "email.hold"]
    assert [one["tenant"] for one in entered] == [SERVER]


async def resent_without_a_word(whole: Any, dying: Any, scene: Scene, record: MessageRecord) -> int:
    """A message that was resent by a process which died when it was stored."""
    from chalicelib.services.outgoing.resend import ResendMail

    resend = dying[ResendMail]

    async def nothing(*_: Any) -> None:
        return

    resend._recording.record = nothing
    made = await resend.resend(scene.principal, record.message.id)
    return int(made.id)


def test_operations_at_the_same_time_all_have_entries(api: ApiWorld) -> None:
    numbers = [sent(api) for _ in range(6)]
    actions, server = api.scene.posthorn[MessageActions], api.scene.server.id

    async def many() -> None:
        await asyncio.gather(*(actions.cancel(server, stored_id(api, one)) for one in numbers))

    bootstrap.run(many())
    bootstrap.run(Upkeep(api.scene.posthorn).feed())
    chain = entries(api, query="?limit=100")[::-1]
    cancelled = [one["object"]["id"] for one in chain if one["action"] == "email.cancel"]
    assert sorted(cancelled) == sorted(map(str, numbers))
    assert first_broken(chain) is None


def test_a_release_goes_past_development_mode(api: ApiWorld) -> None:
    bootstrap.run(api.scene.change_server(mode=ServerMode.DEVELOPMENT))
    number = sent(api)
    deliver(api)
    assert api.v2("GET", f"/emails/{number}").json["status"] == "Held"
    done(api, number, "release")
    deliver(api)
    assert api.v2("GET", f"/emails/{number}").json["status"] == "Sent"


def test_an_entry_of_the_same_operation_is_made_once(api: ApiWorld) -> None:
    number = held(api)
    record = stored(api, number)
    before = entries(api, query="?limit=100")
    operation = operation_of("hold", record, 0.0, record.attempt, {}, {})
    recording = api.scene.posthorn[RecordOperations]
    bootstrap.run(recording.record(record.message.server_id, record.message.id, operation))
    assert entries(api, query="?limit=100") == before
    other = replace(operation, attempt=99)
    bootstrap.run(recording.record(record.message.server_id, record.message.id, other))
    assert len(entries(api, query="?limit=100")) == len(before) + 1


def stored(api: ApiWorld, number: int) -> MessageRecord:
    store = api.scene.posthorn[MessageStore]
    return bootstrap.run(store.get(api.scene.server.id, stored_id(api, number)))


def stored_id(api: ApiWorld, number: int) -> Any:
    return number
