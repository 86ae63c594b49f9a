"""What comes for the postmaster is always sent on, and costs the server that sends it nothing (RFC 5321, 4.5.1)."""

from __future__ import annotations

import pytest

from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.config import Settings
from chalicelib.domain.model import Message, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.suppression import Reason, Suppression
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.scanners import Scanners, SpamReport
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.system_mail import SystemMail
from tests.incoming_play import CONTENT, RECEIVED
from tests.listed import list_new
from tests.reported_mail import Sent, arrive, complaint, delivery_report
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

POSTMASTER = "Ada@example.com"
SETTINGS = Settings(
    system_server="acme/app", system_from="posthorn@acme.test", postmaster=POSTMASTER
)
REFUSED = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")
BUSY = TransactionResult(Reply(450, "4.2.0", "Busy"), "RCPT")


async def forwarded(scene: Scene) -> Message:
    """A stranger's message for the postmaster, after its first attempt."""
    recipient = await scene.posthorn[Recipients].own("postmaster", "a@evil.test")
    assert recipient is not None
    mail = IncomingMail("a@evil.test", (recipient,), CONTENT, received=RECEIVED)
    (made,) = await scene.posthorn[AcceptIncoming].submit(mail)
    await scene.deliver_ready()
    return made


async def noticed(scene: Scene) -> Message:
    """A notice of the installation, after its first attempt."""
    before = {one.id for one in all_messages(scene.posthorn)}
    await scene.posthorn[SystemMail].notify(None, "Something", "happened")
    (made,) = (one for one in all_messages(scene.posthorn) if one.id not in before)
    await scene.deliver_ready()
    return made


async def listed(scene: Scene) -> Suppression | None:
    return await scene.suppressed(POSTMASTER)


@pytest.mark.parametrize("sends", [forwarded, noticed])
async def test_it_takes_nothing_of_the_servers_hour(sends) -> None:  # type: ignore[no-untyped-def]
    scene = await make_scene(SETTINGS)
    await scene.change_server(send_limit=1)
    for _ in range(3):
        assert (await scene.record(await sends(scene))).status is Status.SENT
    for expected in (Status.SENT, Status.HELD):
        (own,) = await scene.accept(POSTMASTER)
        await scene.deliver_ready()
        assert (await scene.record(own)).status is expected
    assert (await scene.record(await sends(scene))).status is Status.SENT


async def test_refusals_for_good_list_nobody() -> None:
    scene = await make_scene(SETTINGS)
    scene.egress.always("@example.com", REFUSED)
    await scene.change_server(suppress_hard_fails=1)
    record = await scene.record(await forwarded(scene))
    assert record.status is Status.HARD_FAIL
    assert "suppression list" not in record.deliveries[-1].details
    assert await listed(scene) is None


async def test_giving_up_lists_nobody() -> None:
    settings = Settings(
        system_server="acme/app",
        system_from="posthorn@acme.test",
        postmaster=POSTMASTER,
        max_attempts=2,
    )
    scene = await make_scene(settings)
    scene.egress.always("@example.com", BUSY)
    made = await forwarded(scene)
    while (record := await scene.record(made)).status is not Status.HARD_FAIL:
        scene.clock.advance(86_400)
        await scene.posthorn[Sweep].run()
        await scene.deliver_ready()
    assert record.deliveries[-1].details == (
        "Maximum number of delivery attempts (2) has been reached."
    )
    assert await listed(scene) is None


@pytest.mark.parametrize("make", [delivery_report, complaint])
async def test_reports_list_nobody(make) -> None:  # type: ignore[no-untyped-def]
    scene = await make_scene(SETTINGS)
    sent = Sent(scene, await forwarded(scene), scene.egress.received[-1].envelope.mail_from)
    await arrive(scene, sent.return_path, make(recipient=POSTMASTER))
    (row,) = await sent.reports()
    assert not row.suppressed
    assert await listed(scene) is None


async def test_an_entry_that_is_there_keeps_it_from_nobody() -> None:
    scene = await make_scene(SETTINGS)
    entry = Suppression(POSTMASTER.lower(), Reason.BOUNCE.text, scene.clock.now(), 2**40)
    await list_new(scene.posthorn[SuppressionList], scene.server.id, [entry])
    (own,) = await scene.accept(POSTMASTER)
    assert (await scene.record(await forwarded(scene))).status is Status.SENT
    assert (await scene.record(own)).status is Status.HELD


async def test_complaints_about_spam_show_it_and_are_sent_on() -> None:
    scanners = ScriptedScanners()
    scanners.report = SpamReport("spamd", 99.0, ())
    scene = await make_scene(SETTINGS, parts={Scanners: scanners})
    await scene.change_server(outbound_spam_threshold=5.0)
    (own,) = await scene.accept(POSTMASTER)
    assert (await scene.record(await forwarded(scene))).status is Status.SENT
    assert (await scene.record(own)).status is Status.HARD_FAIL
