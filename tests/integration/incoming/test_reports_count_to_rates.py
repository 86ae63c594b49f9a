"""Complaints and bounces count once to the rates of the server whose mail they are about, however often they are told;
what nobody vouches for counts nowhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.domain.changes import Change
from chalicelib.domain.limits.rates import Measured
from chalicelib.domain.model import Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.events.outbox import Outbox
from chalicelib.services.reputation.watch_rates import WatchRates
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.integration.incoming.test_reports import nowhere
from tests.reported_mail import arrive, complaint, delivery_report, send
from tests.worlds import Scene, make_scene

ON = ServerOptions(complaint_rate_limit=10, bounce_rate_limit=10, rate_limit_count=2)
REPORTS = {Rate.COMPLAINT: complaint, Rate.BOUNCE: delivery_report}


async def told(scene: Scene) -> Sequence[Change]:
    """Have the outbox told what is new."""
    changes, position = scene.posthorn[EventFeed].read()
    await scene.posthorn[Outbox].run(SOURCE, changes)
    await scene.posthorn[EventFeed].move(position)
    return changes


async def rates(scene: Scene, server: Server | None = None) -> dict[Rate, tuple[int, int]]:
    found: list[Measured] = await scene.posthorn[WatchRates].measure(server or scene.server)
    return {one.rate: (one.counted, one.base) for one in found}


@pytest.mark.parametrize("rate", REPORTS)
async def test_a_report_counts_once_a_message(rate: Rate) -> None:
    scene = await make_scene(server=ON)
    sent = [await send(scene) for _ in range(4)]
    for _ in range(3):
        await arrive(scene, sent[0].return_path, REPORTS[rate]())
    await told(scene)
    nothing = dict.fromkeys(Rate, (0, 4))
    assert await rates(scene) == {**nothing, rate: (1, 4)}
    await arrive(scene, sent[1].return_path, REPORTS[rate]())
    await arrive(scene, sent[0].return_path, REPORTS[rate]())
    await told(scene)
    assert await rates(scene) == {**nothing, rate: (2, 4)}


@pytest.mark.parametrize("rate", REPORTS)
async def test_what_nobody_vouches_for_counts_nowhere(rate: Rate) -> None:
    scene = await make_scene(server=ON)
    for spf in (None, "evil.test"):
        sent = await send(scene)
        content = REPORTS[rate](returned=f"X-Postal-MsgID: {sent.message.token}\n")
        await arrive(scene, await nowhere(scene), content, spf=spf)
        assert len(await sent.reports()) == 1
    await told(scene)
    assert (await rates(scene))[rate] == (0, 2)
    sent = await send(scene)
    content = REPORTS[rate](returned=f"X-Postal-MsgID: {sent.message.token}\n")
    await arrive(scene, await nowhere(scene), content, spf="mx.example.com")
    await told(scene)
    assert (await rates(scene))[rate] == (1, 3)


async def test_a_feed_that_is_told_again_counts_once() -> None:
    scene = await make_scene(server=ON)
    sent = [await send(scene) for _ in range(3)]
    await arrive(scene, sent[0].return_path, complaint())
    await arrive(scene, sent[1].return_path, delivery_report())
    changes = await told(scene)
    before = await rates(scene)
    assert before == {Rate.COMPLAINT: (1, 3), Rate.BOUNCE: (1, 3)}
    outbox = scene.posthorn[Outbox]
    for begin, end in (
        (0, len(changes)),
        (2, len(changes)),
        (0, 3),
        (len(changes) - 1, len(changes)),
    ):
        await outbox.run(SOURCE, changes[begin:end])
    assert await rates(scene) == before


async def test_an_outage_counts_to_no_rate_and_a_refused_recipient_does() -> None:
    scene = await make_scene(server=ON)
    await send(scene)
    refusals = {
        "550 5.1.1 User unknown": 1,
        "550 5.7.1 Listed by a block list": 1,
        "550 5.2.1 Mailbox disabled": 2,
        "554 5.7.26 This mail is unauthenticated": 2,
    }
    for number, (text, counted) in enumerate(refusals.items()):
        code, _, rest = text.partition(" ")
        enhanced, _, said = rest.partition(" ")
        refusal = TransactionResult(Reply(int(code), enhanced, said), "RCPT")
        scene.egress.will(f"p{number}@example.com", refusal)
        (message,) = await scene.accept(f"p{number}@example.com")
        await scene.deliver_ready()
        assert (await scene.record(message)).status is Status.HARD_FAIL, text
        await told(scene)
        assert (await rates(scene))[Rate.BOUNCE] == (counted, 1 + counted), text
        scene.clock.advance(1)


async def test_another_tenant_is_not_held_for_it() -> None:
    scene = await make_scene(server=ON)
    other = await scene.posthorn[Servers].create(scene.organization, "Other", options=ON)
    sent = [await send(scene) for _ in range(3)]
    for one in sent[:2]:
        await arrive(scene, one.return_path, complaint())
    await told(scene)
    assert (await rates(scene))[Rate.COMPLAINT] == (2, 3)
    assert (await rates(scene, other))[Rate.COMPLAINT] == (0, 0)
    assert await scene.posthorn[WatchRates].look(other) == ()
    scene.clock.advance(61)
    (message,) = await scene.accept("jane@example.com")
    await scene.deliver_ready()
    wait = wait_of(await scene.record(message))
    assert wait is not None
    assert wait.code is WaitCode.COMPLAINT_RATE
