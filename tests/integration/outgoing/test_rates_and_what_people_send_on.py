"""What people send on is new mail to the rates of its server, unless it was tried or an operator overruled one."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.model import Message, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.queue.message_actions import MessageActions
from tests.integration.outgoing.test_rates_that_hold import (
    HOUR,
    accept,
    aws_backend,
    aws_names,
    aws_settings,
    counted,
    looked_anew,
    scene,
    status,
    statuses,
    tried,
)
from tests.worlds import Scene

__all__ = ["aws_backend", "aws_names", "aws_settings", "scene"]


async def held_in_development(scene: Scene, count: int) -> list[Message]:
    """Messages that the development mode holds, from before a rate was too high."""
    await scene.change_server(mode=ServerMode.DEVELOPMENT)
    held = await tried(scene, count)
    assert await statuses(scene, held) == [Status.HELD] * count
    await scene.change_server(mode=ServerMode.LIVE)
    await counted(scene, refused=200)
    await looked_anew(scene)
    return held


async def test_what_was_tried_before_is_not_new(scene: Scene) -> None:
    again = await accept(scene)
    failed = await accept(scene, to="gone@example.com")
    scene.egress.will("john@example.com", TransactionResult(Reply(450, "4.2.1", "Later"), "RCPT"))
    scene.egress.will("gone@example.com", TransactionResult(Reply(550, "5.7.1", "No"), "RCPT"))
    await scene.deliver_ready()
    assert await statuses(scene, [again, failed]) == [Status.SOFT_FAIL, Status.HARD_FAIL]
    await counted(scene, refused=200)
    await looked_anew(scene)
    assert await status(scene) is Status.HELD
    await scene.posthorn[MessageActions].retry(scene.server.id, failed.id)
    await scene.play(HOUR)
    assert await statuses(scene, [again, failed]) == [Status.SENT] * 2


@pytest.mark.parametrize("verb", ["release", "retry"])
async def test_what_another_reason_held_is_new(scene: Scene, verb: str) -> None:
    """Else whoever is held has a mode, or a key that holds, keep all mail, and releases that."""
    held, other = await held_in_development(scene, 2)
    actions, server = scene.posthorn[MessageActions], scene.server.id
    for one in (held, other):
        await getattr(actions, verb)(server, one.id)
    await scene.deliver_ready()
    assert await statuses(scene, [held, other]) == [Status.HELD] * 2
    assert (
        (await scene.record(held))
        .deliveries[-1]
        .details.startswith("Message held because the bounce rate")
    )
    with pytest.raises(Conflict, match="an operator can release"):
        await getattr(actions, verb)(server, held.id)
    await getattr(actions, verb)(server, held.id, by_operator=True)
    await scene.deliver_ready()
    assert await statuses(scene, [held, other]) == [Status.SENT, Status.HELD]
    # What the person overruled stays so when the rate lets it go.
    await scene.change_server(bounce_rate_limit=None, mode=ServerMode.DEVELOPMENT)
    await scene.play(120)
    assert await statuses(scene, [held, other]) == [Status.SENT] * 2
