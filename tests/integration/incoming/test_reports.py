"""What comes back about mail that was sent: matched, marked, suppressed, and told in the released words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.inspection import Authentication, DkimSignature, Dmarc
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.domain.report import MatchedBy, ReportKind
from chalicelib.domain.suppression import NEVER
from chalicelib.domain.tenancy.routes import RouteMode
from tests.incoming_mail import add_route
from tests.reported_mail import (
    ANSWER,
    JOHN,
    OUT_OF_OFFICE,
    arrive,
    complaint,
    delivery_report,
    send,
)
from tests.worlds import Scene, make_scene

DAY = 86_400
UNLINKED = (
    "This message was a bounce but we couldn't link it with any outgoing message"
    " and there was no route for it."
)


def last(record: MessageRecord) -> tuple[Status, str]:
    return record.status, record.deliveries[-1].details


async def nowhere(scene: Scene) -> str:
    """A return path of no message."""
    return f"abcdefgh@psrp.{scene.domain.name}"


async def test_a_bounce_marks_the_message_and_suppresses_its_recipient() -> None:
    scene = await make_scene()
    sent = await send(scene)
    report = await arrive(scene, sent.return_path, delivery_report())
    number = sent.message.id
    text = f"This has been detected as a bounce message for <msg:{number}>."
    assert (last(report), report.bounce_of) == ((Status.PROCESSED, text), number)
    record = await sent.record()
    assert record.status is Status.BOUNCED
    bounced = record.deliveries[-1]
    told = "We've received a bounce message for this e-mail. See <msg:{}> for details."
    assert bounced.details == told.format(report.message.id)
    (row,) = await sent.reports()
    assert (bounced.cause, bounced.report) == ("recipient_unknown", row.id)
    assert (row.kind, row.email, row.report_email) == (ReportKind.BOUNCE, number, report.message.id)
    assert (row.recipient, row.action, row.status) == (JOHN, "failed", "5.1.1")
    assert row.diagnostic == "smtp; 550 5.1.1 User unknown"
    assert (row.remote_mta, row.matched_by) == ("mx.example.com", MatchedBy.RETURN_PATH)
    assert row.suppressed
    entry = await sent.listed()
    assert entry is not None
    assert (entry.reason, entry.email, entry.report) == ("bounced", number, row.id)
    assert entry.keep_until == int(scene.clock.now()) + 30 * DAY


async def test_a_bounce_of_a_forwarded_message_names_somebody_else() -> None:
    scene = await make_scene()
    sent = await send(scene)
    await arrive(scene, sent.return_path, delivery_report(recipient="other@forwarded.test"))
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
    (row,) = await sent.reports()
    assert row.recipient == "other@forwarded.test"
    assert await sent.listed() is not None


@pytest.mark.parametrize(
    ("status", "diagnostic", "cause"),
    [
        ("5.2.2", "smtp; 552 5.2.2 Mailbox full", "mailbox_full"),
        ("5.7.1", "smtp; 554 5.7.1 Blocked using a list", "policy"),
        ("5.0.0", "smtp; 550 No", "unknown"),
    ],
)
async def test_a_cause_that_says_nothing_of_the_recipient_suppresses_nobody(
    status: str, diagnostic: str, cause: str
) -> None:
    scene = await make_scene()
    sent = await send(scene)
    await arrive(scene, sent.return_path, delivery_report(status=status, diagnostic=diagnostic))
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
    (row,) = await sent.reports()
    assert (row.cause, row.suppressed) == (cause, False)
    assert await sent.listed() is None


async def test_a_second_bounce_is_a_row_and_no_second_mark() -> None:
    scene = await make_scene()
    sent = await send(scene)
    for _ in range(2):
        report = await arrive(scene, sent.return_path, delivery_report())
        assert report.status is Status.PROCESSED
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
    assert len(await sent.reports()) == 2


@pytest.mark.parametrize(
    ("action", "kind", "told"),
    [
        ("delayed", ReportKind.DELAY, "a delay notice"),
        ("delivered", None, "a delivery notice"),
        ("relayed", None, "a delivery notice"),
        ("expanded", None, "a delivery notice"),
    ],
)
async def test_other_actions_leave_the_message_as_it_is(
    action: str, kind: ReportKind | None, told: str
) -> None:
    scene = await make_scene()
    sent = await send(scene)
    report = await arrive(
        scene, sent.return_path, delivery_report(action=action, status="4.4.7", diagnostic="")
    )
    text = f"This has been detected as {told} for <msg:{sent.message.id}>."
    assert last(report) == (Status.PROCESSED, text)
    assert await sent.statuses() == [Status.SENT]
    assert [row.kind for row in await sent.reports()] == ([kind] if kind else [])
    assert await sent.listed() is None


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out", "something-new"])
async def test_a_complaint_suppresses_for_good(kind: str) -> None:
    scene = await make_scene()
    sent = await send(scene)
    report = await arrive(scene, sent.return_path, complaint(kind))
    text = f"This has been detected as a complaint for <msg:{sent.message.id}>."
    assert last(report) == (Status.PROCESSED, text)
    assert await sent.statuses() == [Status.SENT]
    (row,) = await sent.reports()
    assert (row.kind, row.cause, row.feedback_type) == (ReportKind.COMPLAINT, "complaint", kind)
    assert row.source_ip == "192.0.2.1"
    assert (await sent.record()).complained_at == row.at
    entry = await sent.listed()
    assert entry is not None
    assert (entry.reason, entry.keep_until) == ("complained", NEVER)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
async def test_feedback_that_is_no_complaint_makes_no_report(kind: str) -> None:
    scene = await make_scene()
    sent = await send(scene)
    report = await arrive(scene, sent.return_path, complaint(kind))
    assert report.status is Status.PROCESSED
    assert await sent.reports() == ()
    assert await sent.listed() is None


async def test_the_server_decides_whether_reports_suppress() -> None:
    scene = await make_scene()
    await scene.change_server(suppress_bounces=False, suppress_complaints=False)
    sent = await send(scene)
    for content in (delivery_report(), complaint()):
        await arrive(scene, sent.return_path, content)
    assert [row.suppressed for row in await sent.reports()] == [False, False]
    assert await sent.listed() is None


async def test_an_automatic_reply_goes_to_the_route_of_the_return_path() -> None:
    scene = await make_scene()
    sent = await send(scene)
    first = await arrive(scene, sent.return_path, OUT_OF_OFFICE)
    text = f"This has been detected as an automatic reply for <msg:{sent.message.id}>."
    assert last(first) == (Status.PROCESSED, text)
    route = await add_route(scene, "__returnpath__", mode=RouteMode.ACCEPT)
    second = await arrive(scene, sent.return_path, OUT_OF_OFFICE, route=route)
    assert last(second)[1] == "Message has been accepted but not sent to any endpoints."
    rows = await sent.reports()
    assert [(row.kind, row.cause, row.suppressed) for row in rows] == [
        (ReportKind.AUTO_REPLY, None, False)
    ] * 2
    assert await sent.statuses() == [Status.SENT]


async def test_an_answer_is_no_report() -> None:
    scene = await make_scene()
    sent = await send(scene)
    record = await arrive(scene, sent.return_path, ANSWER)
    assert last(record) == (Status.HARD_FAIL, UNLINKED)
    route = await add_route(scene, "__returnpath__", mode=RouteMode.ACCEPT)
    taken = await arrive(scene, sent.return_path, ANSWER, route=route)
    assert taken.status is Status.PROCESSED
    assert await sent.reports() == ()


@pytest.mark.parametrize("marked", ["Re: ", "AW: ", "re[2]:", " SV :"])
async def test_an_answer_to_a_bounce_is_no_report(marked: str) -> None:
    scene = await make_scene()
    sent = await send(scene)
    text = "Your message could not be delivered to john@example.com, it said. What now?"
    for subject, kinds in ((marked, []), ("", [ReportKind.BOUNCE])):
        content = f"From: Jane <jane@example.com>\nSubject: {subject}Delivery failed for order 7\n"
        record = await arrive(scene, sent.return_path, f"{content}\n{text}\n".encode())
        assert (record.bounce_of is None) is not kinds
        assert [row.kind for row in await sent.reports()] == kinds
    daemon = (
        b"From: MAILER-DAEMON@mx.example\nSubject: Re: Delivery failed\n\n550 5.1.1 No such user\n"
    )
    await arrive(scene, sent.return_path, daemon)
    assert len(await sent.reports()) == 2


async def test_what_matches_nothing_fails_without_a_route() -> None:
    scene = await make_scene()
    sent = await send(scene)
    first = "b" if sent.return_path[0] == "a" else "a"
    forged = first + sent.return_path[1:]
    for address in (forged, await nowhere(scene)):
        record = await arrive(scene, address, delivery_report())
        assert last(record) == (Status.HARD_FAIL, UNLINKED)
    assert await sent.statuses() == [Status.SENT]


async def test_a_token_matches_what_names_the_recipient_or_nobody() -> None:
    scene = await make_scene()
    sent = await send(scene)
    returned = f"X-Postal-MsgID: {sent.message.token}\n"
    path = await nowhere(scene)
    foreign = delivery_report(recipient="eve@example.net", returned=returned)
    assert last(await arrive(scene, path, foreign))[1] == UNLINKED
    for name in (JOHN, "redacted@example.com"):
        await arrive(scene, path, delivery_report(recipient=name, returned=returned))
    rows = await sent.reports()
    assert [row.matched_by for row in rows] == [MatchedBy.MSGID] * 2
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]


async def test_a_message_id_matches_only_with_the_recipient() -> None:
    scene = await make_scene()
    sent = await send(scene)
    returned = f"Message-ID: <{sent.message.message_id}>\n"
    path = await nowhere(scene)
    for name in ("eve@example.net", "redacted@example.com"):
        report = await arrive(scene, path, delivery_report(recipient=name, returned=returned))
        assert last(report)[1] == UNLINKED
    await arrive(scene, path, delivery_report(returned=returned))
    (row,) = await sent.reports()
    assert row.matched_by is MatchedBy.MESSAGE_ID
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]


@pytest.mark.parametrize(
    ("spf", "suppresses"),
    [
        (None, False),
        ("evil.test", False),
        ("com", False),
        ("mx.example.com", True),
        ("outlook.com", False),
        ("outbound.protection.outlook.com", False),
        ("hotmail.com", False),
        ("yahoo.com", False),
        ("fastmail.com", False),
        ("comcast.net", False),
        ("senderscore.net", False),
    ],
)
@pytest.mark.parametrize("make", [delivery_report, complaint])
async def test_a_forged_report_suppresses_nobody(make, spf: str | None, suppresses: bool) -> None:  # type: ignore[no-untyped-def]
    scene = await make_scene()
    sent = await send(scene)
    content = make(returned=f"X-Postal-MsgID: {sent.message.token}\n")
    await arrive(scene, await nowhere(scene), content, spf=spf)
    (row,) = await sent.reports()
    assert row.suppressed is suppresses
    assert (await sent.listed() is not None) is suppresses


@pytest.mark.parametrize(
    ("author", "signer", "result", "suppresses"),
    [
        ("example.com", "mail.example.com", "pass", True),
        ("example.com", "mail.example.com", "fail", False),
        ("evil.test", "mail.example.com", "pass", False),
        ("evil.test", "evil.test", "pass", False),
    ],
)
async def test_a_signature_vouches_for_its_author_alone(
    author: str, signer: str, result: str, suppresses: bool
) -> None:
    scene = await make_scene()
    sent = await send(scene)
    content = delivery_report(returned=f"X-Postal-MsgID: {sent.message.token}\n")
    found = Authentication(dkim=(DkimSignature(result, signer, "s"),), dmarc=Dmarc("none", author))
    await arrive(scene, await nowhere(scene), content, found=found)
    assert (await sent.listed() is not None) is suppresses


@pytest.mark.parametrize(
    ("mail_from", "spf", "suppresses"),
    [
        ("feedback@arf.mail.yahoo.com", "arf.mail.yahoo.com", True),
        ("feedbackloop@comcastfbl.senderscore.net", "comcastfbl.senderscore.net", True),
        ("Staff@Hotmail.com", "hotmail.com", True),
        ("eve@hotmail.com", "hotmail.com", False),
        ("staff@hotmail.com", "evil.test", False),
        ("", "hotmail.com", False),
        ("eve@mail.yahoo.com", "mail.yahoo.com", False),
    ],
)
@pytest.mark.parametrize("make", [delivery_report, complaint])
async def test_known_senders_of_complaints_vouch_for_complaints_alone(
    make: Callable[..., bytes], mail_from: str, spf: str, suppresses: bool
) -> None:
    scene = await make_scene()
    sent = await send(scene)
    content = make(returned=f"X-Postal-MsgID: {sent.message.token}\n")
    await arrive(scene, await nowhere(scene), content, spf=spf, mail_from=mail_from)
    expected = suppresses and make is complaint
    (row,) = await sent.reports()
    assert row.suppressed is expected
    assert (await sent.listed() is not None) is expected


@pytest.mark.parametrize(
    ("recipient", "mx", "spf"),
    [
        ("victim@bank.test", "bank-test.mail.protection.outlook.com", "outlook.com"),
        ("victim@bank.test", "aspmx.l.google.com", "google.com"),
        ("victim@bank.test", "mx0a-bank.pphosted.com", "mx0b-eve.pphosted.com"),
        ("victim@gmail.com", "gmail-smtp-in.l.google.com", "gmail.com"),
        ("victim@outlook.com", "outlook-com.olc.protection.outlook.com", "outlook.com"),
    ],
)
@pytest.mark.parametrize("make", [delivery_report, complaint])
async def test_who_has_a_mailbox_beside_the_recipients_does_not_vouch(
    make: Callable[..., bytes], recipient: str, mx: str, spf: str
) -> None:
    scene = await make_scene()
    zone = scene.posthorn[ScriptedResolver].zone
    zone[recipient.partition("@")[2]] = {"MX": [(10, mx)]}
    zone[mx] = {"A": ["93.184.216.35"]}
    sent = await send(scene, recipient)
    content = make(recipient=recipient, returned=f"X-Postal-MsgID: {sent.message.token}\n")
    await arrive(scene, await nowhere(scene), content, spf=spf)
    (row,) = await sent.reports()
    assert not row.suppressed
    assert await sent.listed() is None


async def test_the_system_of_the_recipient_s_mx_vouches_too() -> None:
    scene = await make_scene()
    zone = scene.posthorn[ScriptedResolver].zone
    zone["example.org"] = {"MX": [(10, "mx1.hosting.test")]}
    zone["mx1.hosting.test"] = {"A": ["93.184.216.35"]}
    sent = await send(scene, "john@example.org")
    returned = f"X-Postal-MsgID: {sent.message.token}\n"
    content = delivery_report(recipient="john@example.org", returned=returned)
    await arrive(scene, await nowhere(scene), content, spf="out.hosting.test")
    assert await sent.listed() is not None


async def test_mail_elsewhere_is_not_looked_at() -> None:
    scene = await make_scene()
    sent = await send(scene)
    route = await add_route(scene, mode=RouteMode.ACCEPT)
    content = delivery_report(returned=f"X-Postal-MsgID: {sent.message.token}\n")
    await arrive(scene, "support@acme.test", content, route=route, bounce=False)
    assert await sent.reports() == ()
