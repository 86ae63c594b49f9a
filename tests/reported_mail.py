"""Mail that a scene sent, and what comes back about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from chalicelib.domain.inspection import Authentication, Spf
from chalicelib.domain.model import INCOMING_QUEUE, Message, MessageRecord, Scope, Status
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.routes import Route
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.authenticate import Authenticate
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from tests.worlds import Scene

JOHN = "john@example.com"


@dataclass
class Sent:
    """A message that went out, and the return path that it went under."""

    scene: Scene
    message: Message
    return_path: str

    async def record(self) -> MessageRecord:
        """As it is, with its whole log."""
        return await self.scene.record(self.message)

    async def statuses(self) -> list[Status]:
        """Of its log."""
        return [one.status for one in (await self.record()).deliveries]

    async def reports(self) -> tuple[Any, ...]:
        """Those on it."""
        return await self.scene.posthorn[Reports].of(self.scene.server.id, self.message.id)

    async def listed(self) -> Suppression | None:
        """The entry of its recipient."""
        return await self.scene.suppressed(self.message.rcpt_to)


async def send(scene: Scene, to: str = JOHN) -> Sent:
    """Have a message delivered."""
    (message,) = await scene.accept(to)
    await scene.deliver_ready()
    return Sent(scene, message, scene.egress.received[-1].envelope.mail_from)


async def arrive(
    scene: Scene,
    address: str,
    content: bytes,
    *,
    route: Route | None = None,
    spf: str | None = None,
    found: Authentication | None = None,
    bounce: bool = True,
    mail_from: str = "",
) -> MessageRecord:
    """Have a message arrive there and be worked on; `spf` is the domain that vouches for it, or `found`
    all of it."""
    routes = (route,) if route else ()
    recipient = IncomingRecipient(scene.server.id, address, routes, bounce=bounce)
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    (made,) = await scene.posthorn[AcceptIncoming].submit(
        IncomingMail(mail_from, (recipient,), content)
    )
    store = scene.posthorn[MessageStore]
    spf_found = Spf("pass", spf, "192.0.2.1") if spf else Spf()
    with authenticated(found or Authentication(spf=spf_found)):
        await work(scene)
    record = await store.get(scene.server.id, made.id, Scope.INCOMING)
    log = await store.deliveries(scene.server.id, made.id, Scope.INCOMING)
    return replace(record, deliveries=log)


@contextmanager
def authenticated(found: Authentication) -> Iterator[None]:
    """While this lasts, this is found of who vouches for mail."""

    async def run(step: Authenticate, attempt: IncomingAttempt) -> None:
        attempt.authentication = found

    with mock.patch.object(Authenticate, "run", run):
        yield


async def work(scene: Scene) -> None:
    """Run attempts for all that waits in the queue of incoming mail."""
    received = [one for one in await scene.queue.receive(INCOMING_QUEUE, 10) if one.job]
    jobs = [ReceivedJob(one.job, one.receipt) for one in received]
    left = await scene.posthorn[AttemptDelivery].run(scene.posthorn[CarryIncoming], jobs)
    await scene.queue.delete([one.receipt for one in received if one.receipt not in left])


def delivery_report(
    *,
    recipient: str = JOHN,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 User unknown",
    returned: str = "Subject: Hello\n",
) -> bytes:
    """RFC 3464."""
    return f"""\
From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B

Sorry.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: {diagnostic}

--B
Content-Type: text/rfc822-headers

{returned}
--B--
""".encode()


def complaint(kind: str = "abuse", *, recipient: str = JOHN, returned: str = "") -> bytes:
    """RFC 5965."""
    return f"""\
From: fbl@example.com
Subject: FW: Hello
Content-Type: multipart/report; report-type=feedback-report; boundary=B

--B

A complaint.
--B
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <{recipient}>
Source-IP: 192.0.2.1

--B
Content-Type: message/rfc822

{returned}Subject: Hello

--B--
""".encode()


OUT_OF_OFFICE = b"""\
From: John <john@example.com>
Subject: Out of office
Auto-Submitted: auto-replied

I am away.
"""
ANSWER = b"""\
From: John <john@example.com>
Subject: Re: Hello

Thanks!
"""
