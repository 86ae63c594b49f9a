"""What an address endpoint sends on counts as outgoing mail, and is held where a limit says to refuse."""

from __future__ import annotations

import pytest

from chalicelib.domain.model import Status
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.services.tenancy.servers import ServerOptions
from tests.incoming_play import address_route, arrives, carry, smtp_route
from tests.used_limits import usages
from tests.worlds import make_scene


@pytest.mark.parametrize("action", LimitAction)
async def test_forwards_are_held_and_go_by_themselves(action: LimitAction) -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1, send_limit_action=action))
    route = await address_route(scene)
    messages = [await arrives(scene, route) for _ in range(3)]
    await carry(scene)
    found = [await scene.record(one) for one in messages]
    assert sorted(one.status for one in found) == [Status.HELD, Status.HELD, Status.SENT]
    wait = next(wait_of(one) for one in found if one.status is Status.HELD)
    assert wait is not None
    assert wait.code is WaitCode.SEND_LIMIT
    for _ in range(130):
        scene.clock.advance(60)
        await scene.sweep()
        await carry(scene)
    assert [(await scene.record(one)).status for one in messages] == [Status.SENT] * 3


async def test_other_endpoints_count_nothing() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    route = await smtp_route(scene)
    for _ in range(2):
        await arrives(scene, route)
    await carry(scene)
    (usage,) = await usages(scene)
    assert usage.used == 0
