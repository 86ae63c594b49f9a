"""What some receivers send back later: a delivery status notification (RFC 3464) or an abuse report (RFC 5965).

Sent to the gateway's MX port, to the return path of the message that caused it. One thread does all of it, one try
each; an answer that the gateway refuses is one log line.
"""

from __future__ import annotations

import queue
import smtplib
import threading
from email.utils import formatdate

from infra.local.gateway_client import GatewayClient
from infra.local.inbox_store import Caught
from infra.local.magic import Trick
from infra.local.plan import HOST, INBOX_HOSTNAME

DELAY_SECONDS = 1.0
MOST_WAITING = 1_000
MOST_QUOTED = 64 * 1024
BOUNDARY = "posthorn-inbox-report"


class FollowUps:
    """Call it with a trick, the caught message and its bytes; it returns at once."""

    def __init__(self, mx_port: int) -> None:
        self._port = mx_port
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._work, name="follow-ups", daemon=True).start()

    def __call__(self, trick: Trick, caught: Caught, content: bytes) -> None:
        if not caught.mail_from or trick not in {Trick.BOUNCE_LATER, Trick.COMPLAIN}:
            return
        build = bounce_of if trick is Trick.BOUNCE_LATER else complaint_about
        try:
            self._waiting.put_nowait((caught.mail_from, build(caught, content)))
        except queue.Full:
            print("inbox: too many answers are waiting; one was left out", flush=True)

    def _work(self) -> None:
        while True:
            recipient, content = self._waiting.get()
            threading.Event().wait(DELAY_SECONDS)
            try:
                with GatewayClient(HOST, self._port, INBOX_HOSTNAME, timeout=10) as client:
                    client.sendmail("", [recipient], content)
            except (OSError, smtplib.SMTPException) as error:
                print(f"inbox: the gateway did not take an answer: {error}", flush=True)


def bounce_of(caught: Caught, content: bytes) -> bytes:
    """A notification that the recipient's mailbox was found not to exist after all."""
    status = (
        f"Reporting-MTA: dns; {INBOX_HOSTNAME}\r\n"
        f"Arrival-Date: {formatdate(caught.received_at)}\r\n"
        "\r\n"
        f"Final-Recipient: rfc822; {_one_line(caught.rcpt_to)}\r\n"
        "Action: failed\r\n"
        "Status: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such mailbox here\r\n"
    )
    subject = "Delivery Status Notification (Failure)"
    text = "Your message could not be delivered: there is no such mailbox.\r\n"
    return _report(caught, content, "delivery-status", subject, text, status)


def complaint_about(caught: Caught, content: bytes) -> bytes:
    """An abuse report as a mailbox provider's feedback loop sends it."""
    feedback = (
        "Feedback-Type: abuse\r\n"
        f"User-Agent: {INBOX_HOSTNAME}\r\n"
        "Version: 1\r\n"
        f"Original-Mail-From: {_one_line(caught.mail_from)}\r\n"
        f"Original-Rcpt-To: {_one_line(caught.rcpt_to)}\r\n"
        f"Arrival-Date: {formatdate(caught.received_at)}\r\n"
    )
    text = "This is an e-mail abuse report.\r\n"
    return _report(caught, content, "feedback-report", "Abuse report", text, feedback)


def _report(
    caught: Caught, content: bytes, kind: str, subject: str, text: str, machine: str
) -> bytes:
    """A multipart/report (RFC 6522) for people and machines, with the header of what it is about."""
    header, _, _ = content[:MOST_QUOTED].partition(b"\r\n\r\n")
    opening = (
        f"From: Mail Delivery System <postmaster@{INBOX_HOSTNAME}>\r\n"
        f"To: {_one_line(caught.mail_from)}\r\n"
        f"Subject: {subject}\r\n"
        f"Date: {formatdate(caught.received_at)}\r\n"
        f"Message-ID: <{caught.id}.{kind}@{INBOX_HOSTNAME}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        f"Content-Type: multipart/report; report-type={kind}; boundary={BOUNDARY}\r\n"
        "\r\n"
        f"--{BOUNDARY}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--{BOUNDARY}\r\nContent-Type: message/{kind}\r\n\r\n{machine}\r\n"
        f"--{BOUNDARY}\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    )
    ending = f"\r\n\r\n--{BOUNDARY}--\r\n"
    return opening.encode("utf-8", "replace") + header + ending.encode()


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
