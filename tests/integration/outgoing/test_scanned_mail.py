"""Outgoing mail of servers with a threshold is scanned once, and fails at it (contract section 4, steps 8 and 9)."""

from __future__ import annotations

from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.model import Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.scanners import Scanners, SpamReport
from chalicelib.services.scanning import TRY_LATER
from chalicelib.services.tenancy.servers import ServerOptions
from tests.worlds import Scene, make_scene

HAM, SPAM = SpamReport("spamd", 7.4), SpamReport("spamd", 7.5)
SCANNED = ServerOptions(outbound_spam_threshold=7.5)


async def scene_with(
    report: SpamReport | MailError, options: ServerOptions = SCANNED, failure: str = "open"
) -> Scene:
    scanners = ScriptedScanners()
    scanners.report = report
    settings = Settings(scan_failure=failure)
    return await make_scene(settings, server=options, parts={Scanners: scanners})


async def test_what_scores_as_much_as_the_threshold_fails() -> None:
    scene = await scene_with(
        SPAM, ServerOptions(ServerMode.DEVELOPMENT, outbound_spam_threshold=7.5)
    )
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    (delivery,) = record.deliveries
    assert (delivery.status, delivery.details) == (
        Status.HARD_FAIL,
        "Message is likely spam. Threshold is 7.5 and the message scored 7.5.",
    )
    assert record.inspection is not None
    assert scene.egress.received == []


async def test_what_scores_less_is_sent_and_scanned_once() -> None:
    scene = await scene_with(HAM)
    scene.egress.always(
        "john@example.com", TransactionResult(Reply(450, "4.2.0", "Greylisted"), "RCPT")
    )
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    scene.clock.advance(3600)
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert [one.status for one in record.deliveries] == [Status.SOFT_FAIL] * 2
    (asked,) = scene.posthorn[ScriptedScanners].asked
    assert asked.is_outgoing


async def test_mail_of_other_servers_is_not_scanned() -> None:
    scene = await scene_with(SPAM, ServerOptions())
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (record.status, record.inspection) == (Status.SENT, None)
    assert scene.posthorn[ScriptedScanners].asked == []


async def test_trouble_lets_mail_pass_or_means_another_try() -> None:
    for failure, expected in (("open", Status.SENT), ("closed", Status.SOFT_FAIL)):
        scene = await scene_with(TemporaryFailure("gone"), failure=failure)
        (accepted,) = await scene.accept()
        await scene.deliver_ready()
        (delivery,) = (await scene.record(accepted)).deliveries
        assert delivery.status is expected
        assert (delivery.details == TRY_LATER) is (failure == "closed")
