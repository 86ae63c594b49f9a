"""Incoming mail is scanned once; what was found stands in front of it and decides where it goes (contract 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.config import Settings
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.inspection import Spam, SpamCheck, SpamStatus, Threat
from chalicelib.domain.model import Message, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.scanners import Scanners, ScanRefused, ScanTimedOut, SpamReport
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.events.metrics import Metrics
from chalicelib.services.scanning import TRY_LATER
from tests.incoming_play import CONTENT, RECEIVED, arrives, carried, smtp_route
from tests.worlds import Scene, beside, make_scene

GTUBE = SpamCheck("GTUBE", 7.2, "Generic test")
SPAM = SpamReport("spamd", 7.2, (GTUBE,))
VIRUS = Threat(True, "Eicar-Test-Signature FOUND", asked=True)
BUSY = TransactionResult(Reply(450, "4.2.0", "Busy"), "RCPT")


async def scene_with(
    report: SpamReport | MailError | None = None,
    found: Threat | MailError | None = None,
    settings: Settings | None = None,
) -> Scene:
    scanners = ScriptedScanners()
    scanners.report, scanners.found = report, found
    scene = await make_scene(settings, parts={Scanners: scanners})
    scene.posthorn[ScriptedResolver].zone["in.customer.example"] = {"A": ["93.184.216.34"]}
    return scene


def head(scene: Scene) -> bytes:
    """What stands in front of the message that was passed on."""
    content = scene.egress.received[-1].content
    assert content.endswith(RECEIVED + CONTENT)
    return content.removesuffix(RECEIVED + CONTENT)


async def inspected(scene: Scene, message: Message) -> tuple[Spam, Threat]:
    inspection = (await scene.record(message)).inspection
    assert inspection is not None
    return inspection.spam, inspection.threat


async def test_what_is_found_stands_in_front_and_with_the_message() -> None:
    scene = await scene_with(SPAM, VIRUS)
    message = await arrives(scene, await smtp_route(scene))
    assert (await carried(scene, message)).status is Status.SENT
    assert (
        b"X-Postal-Spam: yes\r\nX-Postal-Spam-Threshold: 5.0\r\nX-Postal-Spam-Score: 7.2\r\n"
        b"X-Postal-Threat: yes\r\nAuthentication-Results: posthorn.example.com;\r\n"
    ) in head(scene)
    spam, threat = await inspected(scene, message)
    assert spam == Spam(7.2, 5.0, "spamd", (GTUBE,))
    assert spam.status is SpamStatus.SPAM
    assert threat == VIRUS


async def test_without_scanners_it_counts_as_inspected() -> None:
    scene = await scene_with()
    message = await arrives(scene, await smtp_route(scene))
    await carried(scene, message)
    assert await inspected(scene, message) == (Spam(), Threat(False, "No threats found"))
    assert b"X-Postal-Spam: no\r\n" in head(scene)
    assert b"X-Postal-Spam-Score: 0\r\n" in head(scene)


async def test_a_later_attempt_does_not_scan_again() -> None:
    scene = await scene_with(SPAM)
    scene.egress.always("x", BUSY)
    scene.egress.always("@acme.test", BUSY)
    message = await arrives(scene, await smtp_route(scene))
    assert (await carried(scene, message)).status is Status.SOFT_FAIL
    scene.clock.advance(3600)
    await carried(scene, message)
    assert len((await scene.record(message)).deliveries) == 2
    (asked,) = scene.posthorn[ScriptedScanners].asked
    assert asked.content == RECEIVED + CONTENT
    assert (asked.mail_from, asked.client, asked.helo) == (
        "sender@away.example",
        "192.0.2.1",
        "away.example",
    )


@pytest.mark.parametrize(
    ("trouble", "check", "details"),
    [
        (TemporaryFailure("gone"), "ERROR", "Error when scanning for threats"),
        (ScanRefused("no"), "ERROR", "Could not scan message"),
        (ScanTimedOut("late"), "TIMEOUT", "Timed out scanning for threats"),
    ],
    ids=str,
)
async def test_trouble_with_a_scanner_lets_mail_pass(
    trouble: MailError, check: str, details: str
) -> None:
    scene = await scene_with(trouble, trouble)
    message = await arrives(scene, await smtp_route(scene))
    assert (await carried(scene, message)).status is Status.SENT
    spam, threat = await inspected(scene, message)
    assert [(one.code, one.score) for one in spam.checks] == [(check, 0.0)]
    assert (spam.score, spam.scanner) == (0.0, "spamd")
    assert threat == Threat(False, details, asked=True)


@pytest.mark.parametrize("is_spam", [True, False])
async def test_where_mail_may_not_pass_unscanned_it_is_tried_again(is_spam: bool) -> None:
    gone = TemporaryFailure("gone")
    scene = await scene_with(
        gone if is_spam else SPAM, None if is_spam else gone, Settings(scan_failure="closed")
    )
    message = await arrives(scene, await smtp_route(scene))
    last = await carried(scene, message)
    assert (last.status, last.details) == (Status.SOFT_FAIL, TRY_LATER)
    assert (await scene.record(message)).inspection is None
    scanners = scene.posthorn[ScriptedScanners]
    scanners.report, scanners.found = SPAM, VIRUS
    scene.clock.advance(3600)
    assert (await carried(scene, message)).status is Status.SENT
    assert await inspected(scene, message) == (Spam(7.2, 5.0, "spamd", (GTUBE,)), VIRUS)


async def test_what_is_too_large_is_not_scanned() -> None:
    scene = await scene_with(SPAM, VIRUS, Settings(scan_max_size=100, scan_failure="closed"))
    message = await arrives(scene, await smtp_route(scene))
    assert (await carried(scene, message)).status is Status.SENT
    spam, threat = await inspected(scene, message)
    assert [(one.code, one.score) for one in spam.checks] == [("TOOBIG", 0.0)]
    assert threat == Threat(False, "Could not scan message", asked=True)
    assert scene.posthorn[ScriptedScanners].asked == []


async def test_a_score_at_the_failure_threshold_fails() -> None:
    scene = await scene_with(replace(SPAM, score=20.0))
    last = await carried(scene, await arrives(scene, await smtp_route(scene)))
    assert (last.status, last.details) == (
        Status.HARD_FAIL,
        "Message's spam score is higher than the failure threshold for this server. "
        "Threshold is currently 20.0.",
    )


async def test_forged_fields_are_not_passed_on() -> None:
    scene = await scene_with()
    forged = b"X-Postal-Spam: no\r\nAuthentication-Results: posthorn.example.com; spf=pass\r\n"
    message = await arrives(scene, await smtp_route(scene), content=forged + CONTENT)
    await carried(scene, message)
    assert scene.egress.received[-1].content.count(b"X-Postal-Spam:") == 1
    assert b"spf=pass" not in head(scene)


async def test_scanners_are_checked_and_timed() -> None:
    scene = await scene_with(SPAM, TemporaryFailure("clamd cannot be reached."))
    await scene.posthorn[CheckInstallation].run()
    found = {one.name: one for one in await scene.posthorn[CheckInstallation].findings()}
    assert found["scanner:spamd"].status is CheckStatus.OK
    assert found["scanner:clamd"].status is CheckStatus.WARNING
    assert found["scanner:clamd"].detail == "clamd cannot be reached."
    told = await scene.posthorn[Metrics].text()
    assert 'posthorn_scan_seconds{scanner="spamd"} 0\n' in told
    assert 'posthorn_scan_seconds{scanner="clamd"} +Inf\n' in told


async def test_what_was_found_of_a_scanner_goes_with_it() -> None:
    scene = await scene_with(None, TemporaryFailure("clamd cannot be reached."))
    await scene.posthorn[CheckInstallation].run()
    after = beside(scene.posthorn, {Scanners: ScriptedScanners()})
    await after[CheckInstallation].run()
    names = {one.name for one in await after[CheckInstallation].findings()}
    assert {one for one in names if one.startswith("scanner:")} == set()
    assert "storage" in names
