"""What API v1 says of incoming messages, recorded: the same of the same mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.tenancy.endpoints import PayloadFormat
from tests.golden.comparison import Difference, differences, opened
from tests.golden.recordings import api_calls
from tests.golden.test_http_endpoints import recordings
from tests.golden.world import SETTINGS, GoldenWorld, golden_world
from tests.http_peer import HttpPeer
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import arrives, carry

# The recorded message, and the mail that it was made of.
MADE_OF = {
    "an incoming message": ("json+tag@golden.example", "plain json"),
    "an incoming message with attachments": (
        "json@golden.example",
        "mixed with attachments json",
    ),
}
# Of what is not played here: who the client was, and what stands in front of the head by us alone.
NOT_COMPARED = ("received", "authentication-results")
KNOWN = [Difference("details.received_with_ssl", "NoneType:None", "bool:False")]


async def _deliver(world: GoldenWorld, address: str, content: bytes) -> int:
    """The number of a message that came in and was posted to an endpoint."""
    scene = world.scene
    scene.posthorn[ScriptedResolver].zone["app.example"] = {"A": ["127.0.0.1"]}
    async with HttpPeer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") as peer:
        url = peer.url("/in/json", "app.example")
        endpoint = await add_endpoint(scene, url=url, format=PayloadFormat.HASH)
        route = await add_route(scene, "json", domain="golden.example", endpoint=endpoint.id)
        message = await arrives(
            scene, route, mail_from="sender@away.example", address=address, content=content
        )
        await carry(scene)
    return message.id


def legible(data: dict[str, Any]) -> dict[str, Any]:
    """The data of an answer, its raw message taken apart, without what is not compared."""
    shown = opened(data)
    raw = shown["raw_message"]
    for headers in (shown["headers"], raw["headers"]):
        for name in NOT_COMPARED:
            headers.pop(name, None)
    return {**shown, "id": 1, "token": "t" * 16}


@pytest.mark.parametrize("kind", MADE_OF)
def test_the_message_is_told_as_by_postal(kind: str) -> None:
    address, title = MADE_OF[kind]
    raw = next(one.raw for one in recordings() if one.title == title)
    theirs = {
        call.action: call.answer["data"] for call in api_calls() if call.name == f"kind: {kind}"
    }
    with golden_world(replace(SETTINGS, allow_private_destinations=True)) as world:
        number = bootstrap.run(_deliver(world, address, raw))
        ours = world.api.v1("messages/message", {"id": number, "_expansions": True})["data"]
        (entry,) = world.api.v1("messages/deliveries", {"id": number})["data"]
    assert (entry["status"], entry["output"]) == ("Sent", "OK")
    found = differences(legible(theirs["messages/message"]), legible(ours))
    assert [one for one in found if one not in KNOWN] == []
    (recorded,) = theirs["messages/deliveries"]
    assert list(entry) == list(recorded)
