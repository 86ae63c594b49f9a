"""Send limits whose action is to refuse: counted when mail is accepted, whole requests or nothing, at both versions of
the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.ports.intake import Intake
from chalicelib.services.tenancy.servers import ServerOptions
from tests.http_api import ApiWorld, api_world
from tests.used_limits import usages
from tests.worlds import make_scene

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}
REFUSING = ServerOptions(send_limit=3, send_limit_action=LimitAction.REFUSE)


@pytest.fixture
def limited() -> Iterator[ApiWorld]:
    """A server that refuses the fourth message of an hour."""
    with api_world(scene=bootstrap.run(make_scene(server=REFUSING))) as world:
        yield world


def used(world: ApiWorld) -> int:
    return bootstrap.run(usages(world.scene))[0].used


def test_above_the_limit_a_request_is_refused_whole(limited: ApiWorld) -> None:
    assert limited.v2("POST", "/emails", GOOD).status == 202
    several = GOOD | {"to": ["a@example.com", "b@example.com", "c@example.com"]}
    reply = limited.v2("POST", "/emails", several)
    assert (reply.status, reply.json["code"]) == (429, "send_limit_exceeded")
    assert 3_600 <= int(reply.headers["retry-after"]) <= 3_661
    assert used(limited) == 1
    assert limited.count() == 1
    assert limited.v2("POST", "/emails", several | {"to": several["to"][:2]}).status == 202
    assert limited.v2("POST", "/emails", GOOD).status == 429
    limited.scene.clock.advance(61 * 60)
    assert limited.v2("POST", "/emails", GOOD).status == 202


def test_items_of_a_batch_are_refused_by_themselves(limited: ApiWorld) -> None:
    two = GOOD | {"to": ["a@example.com", "b@example.com"]}
    reply = limited.v2("POST", "/emails/batch", [two, two, GOOD, GOOD])
    assert [one["status"] for one in reply.json["data"]] == [202, 429, 202, 429]
    assert reply.json["data"][1]["problem"]["code"] == "send_limit_exceeded"
    assert used(limited) == 3


def test_version_1_has_an_error_of_its_own(limited: ApiWorld) -> None:
    message = {"to": ["a@example.com"], "from": "app@acme.test", "plain_body": "Hi"}
    for _ in range(3):
        assert limited.v1("send/message", message)["status"] == "success"
    refused = limited.v1("send/message", message)
    assert (refused["status"], refused["data"]["code"]) == ("error", "SendLimitExceeded")


def test_what_is_refused_for_another_reason_counts_nothing(limited: ApiWorld) -> None:
    assert limited.v2("POST", "/emails", GOOD | {"from": "app@other.test"}).status == 403
    assert limited.v2("POST", "/emails", GOOD | {"to": []}).status == 422
    assert used(limited) == 0


def test_what_cannot_be_stored_counts_nothing(
    limited: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise TemporaryFailure("The store is away")

    monkeypatch.setattr(limited.scene.posthorn[Intake], "store", away)
    assert limited.v2("POST", "/emails", GOOD).status == 503
    assert used(limited) == 0


def test_a_resent_message_counts_too(limited: ApiWorld) -> None:
    first = limited.v2("POST", "/emails", GOOD).json["emails"][0]["id"]
    bootstrap.run(limited.scene.deliver_ready())
    resend = f"/emails/{first}/resend"
    tenant = limited.scene.server.full_name
    assert [limited.manage("POST", resend, tenant=tenant).status for _ in range(3)] == [
        202,
        202,
        429,
    ]


def test_what_was_counted_when_accepted_is_sent_without_another_place(limited: ApiWorld) -> None:
    assert (
        limited.v2("POST", "/emails", GOOD | {"to": ["a@example.com", "b@example.com"]}).status
        == 202
    )
    bootstrap.run(limited.scene.deliver_ready())
    assert len(limited.scene.egress.received) == 2
    assert used(limited) == 2
