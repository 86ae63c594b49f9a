"""Recorded calls that need a tenant of their own: of a suspended server, and to a recipient that is no mailbox."""

from __future__ import annotations

import json

from chalicelib import bootstrap
from chalicelib.services.tenancy.servers import Servers
from tests.golden.comparison import differences
from tests.golden.recordings import dialogues, played_calls
from tests.golden.world import golden_world


def test_a_suspended_server_is_told_in_postals_words() -> None:
    (exchange,) = dialogues()["suspended server, API"]
    status, text = exchange.server
    with golden_world() as world:
        bootstrap.run(world.scene.posthorn[Servers].suspend(world.scene.server, "spam"))
        call = next(call for call in played_calls() if call.name == "a plain message")
        reply = world.play(call)
    assert reply.status == int(status)
    assert list(differences(json.loads(text), reply.json)) == []


def test_a_recipient_that_is_no_mailbox_fails_for_good_without_a_conversation() -> None:
    with golden_world() as world:
        call = next(call for call in played_calls() if call.name == "to without an at")
        made = world.play(call).json["data"]["messages"]["nobody"]
        world.deliver()
        (delivery,) = world.api.v1("messages/deliveries", {"id": made["id"]})["data"]
        assert delivery["status"] == "HardFail"
        assert world.scene.egress.opened == 0
