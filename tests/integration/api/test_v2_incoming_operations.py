"""What is done by hand with mail that came in, with API v2."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.routes import RouteMode
from tests.http_api import ApiWorld, Reply
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import arrives, carry, smtp_route
from tests.integration.api.test_v2_audit import entries
from tests.integration.api.test_v2_management import a_key, places, refused

SERVER = "acme/app"


def came_in(api: ApiWorld, mode: RouteMode) -> Message:
    """A message for a route of this mode, carried."""

    async def play() -> Message:
        message = await arrives(api.scene, await add_route(api.scene, mode=mode))
        await carry(api.scene)
        return message

    return bootstrap.run(play())


def done(api: ApiWorld, message: Message, verb: str, value: Any = None, **more: Any) -> Reply:
    return api.manage("POST", f"/emails/{message.id}/{verb}", value, SERVER, **more)


def log(api: ApiWorld, message: Message) -> list[tuple[str, str]]:
    found = api.v2("GET", f"/emails/{message.id}/deliveries").json["data"]
    return [(one["status"], one["details"]) for one in found]


def test_a_held_one_is_released_and_then_over(api: ApiWorld) -> None:
    message = came_in(api, RouteMode.HOLD)
    assert api.v2("GET", f"/emails/{message.id}").json["status"] == "Held"
    assert done(api, message, "release").status == 200
    bootstrap.run(carry(api.scene))
    assert log(api, message)[-1] == ("Processed", "Message has been processed.")
    for verb in ("release", "retry", "bounce", "cancel", "hold"):
        assert refused(done(api, message, verb)) == (409, "conflict"), verb


def test_one_that_is_given_up_is_bounced(api: ApiWorld) -> None:
    message = came_in(api, RouteMode.HOLD)
    assert done(api, message, "bounce").json["status"] == "HardFail"
    assert log(api, message)[-1] == ("HardFail", "Given up by root.")
    (bounce,) = api.v2("GET", "/emails?direction=outgoing").json["data"]
    assert (bounce["to"], bounce["status"]) == ("sender@away.example", "Pending")


def test_a_replay_goes_to_the_endpoint_that_is_named(api: ApiWorld) -> None:
    message = came_in(api, RouteMode.ACCEPT)
    endpoint = bootstrap.run(smtp_route(api.scene, hostname="93.184.216.34")).endpoint
    reply = done(api, message, "replay", {"endpoint": endpoint})
    assert (reply.status, reply.json["status"]) == (200, "Pending")
    bootstrap.run(carry(api.scene))
    assert [status for status, _ in log(api, message)] == ["Processed", "Sent"]
    newest = entries(api)[0]
    assert (newest["action"], newest["after"]["endpoint"]) == ("email.replay", endpoint)
    assert done(api, message, "replay", {}).status == 200
    bootstrap.run(carry(api.scene))
    assert log(api, message)[-1][0] == "Processed"


def test_a_replay_names_what_is_wrong(api: ApiWorld) -> None:
    message = came_in(api, RouteMode.ACCEPT)
    elsewhere = done(api, message, "replay", {"endpoint": "missing"})
    assert places(elsewhere) == [("/endpoint", "unknown_reference")]
    sent = api.v2("POST", "/emails", {"from": "app@acme.test", "to": "x@example.com", "text": "x"})
    reply = api.manage("POST", f"/emails/{sent.json['id']}/replay", {}, SERVER)
    assert refused(reply) == (409, "conflict")
    reading = a_key(api, "emails:read")
    assert refused(done(api, message, "replay", {}, key=reading)) == (403, "scope_missing")
    endpoint = bootstrap.run(add_endpoint(api.scene, enabled=False))
    assert done(api, message, "replay", {"endpoint": endpoint.id}).status == 200
    bootstrap.run(carry(api.scene))
    assert log(api, message)[-1] == ("Held", "Endpoint is disabled.")
    for _ in range(2):
        assert api.v2("GET", f"/emails/{message.id}").json["wait"]["code"] == "endpoint"
        assert done(api, message, "release").status == 200
        bootstrap.run(carry(api.scene))
        assert log(api, message)[-1] == ("Held", "Endpoint is disabled.")
