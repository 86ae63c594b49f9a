"""A slow endpoint has few attempts in all processes together, and what is put off comes back by the queue."""

from __future__ import annotations

import secrets

import pytest

from chalicelib.services.queue.turns import NotYet, Share, Turns
from tests.contract.conftest import World


async def test_attempts_at_a_slow_endpoint_are_counted_together(world: World) -> None:
    share = Share(secrets.token_hex(8), 10, wary=True)
    processes = [world[Turns]]
    other = world.another()
    if other is not world:
        processes.append(other[Turns])
    for each in processes:
        with await each.take((share,)) as turn:
            world.clock.advance(60)
            turn.attempted(succeeded=False)
    with await processes[0].take((share,)):
        pass
    for each in processes:
        with pytest.raises(NotYet):
            await each.take((share,))
