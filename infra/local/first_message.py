"""The first message of a run: by SMTP submission through the whole path to the inbox, timed and verified.

Standard library only, like the supervisor that calls it. It never raises: what went wrong is in the sentence.
"""

from __future__ import annotations

import secrets
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from infra.local.gateway_client import GatewayClient
from infra.local.loopback import get_json
from infra.local.plan import INBOX_HOSTNAME

LONGEST_WAIT = 60.0  # a busy machine starts the deployed functions slowly
LOOK_EVERY = 0.03


def send_first_message(facts: Mapping[str, Any], give_up: Callable[[], bool]) -> str:
    """One sentence: what was sent, how long it took, the DKIM verdict, where to look."""
    recipient = f"first-{secrets.token_hex(4)}@{INBOX_HOSTNAME}"
    sender, inbox = facts["server"]["from"], facts["inbox"]["http"]
    begun = time.monotonic()
    try:
        _submit(facts, sender, recipient)
        while not (found := get_json(f"{inbox}/messages?rcpt={recipient}", LONGEST_WAIT)):
            took = time.monotonic() - begun
            if took > LONGEST_WAIT or give_up():
                return (
                    f"first message: {sender} → {recipient} was accepted, but has not arrived after"
                    f" {took:.0f} s; see the logs, or: posthorn message list"
                )
            time.sleep(LOOK_EVERY)
        took, caught = time.monotonic() - begun, found[0]["id"]
        verdict = get_json(f"{inbox}/messages/{caught}", LONGEST_WAIT)["verdict"]
    except (OSError, smtplib.SMTPException, ValueError, KeyError) as error:
        return f"first message: could not be sent: {error}"
    return (
        f"first message: {sender} → {recipient} in {took:.2f} s,"
        f" DKIM {verdict['dkim']} ({len(verdict['signatures'])} signatures); look at"
        f" {inbox}/view/{caught}"
    )


def _submit(facts: Mapping[str, Any], sender: str, recipient: str) -> None:
    message = EmailMessage()
    message["From"] = f"Posthorn <{sender}>"
    message["To"] = recipient
    message["Subject"] = "Posthorn works"
    message["Date"] = formatdate()
    message.set_content("This message was submitted over SMTP, signed, delivered and caught.\n")
    page = "<p>This message was <b>submitted</b>, <b>signed</b>, <b>delivered</b> and caught.</p>"
    message.add_alternative(page, subtype="html")
    unverified = ssl.create_default_context()  # the gateway's certificate is self-signed
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    smtp, server = facts["smtp"], facts["server"]
    with GatewayClient(
        smtp["host"], smtp["submission"], "localhost", timeout=LONGEST_WAIT
    ) as client:
        client.starttls(context=unverified)
        client.ehlo()
        client.user, client.password = server["smtp_username"], server["smtp_key"]
        client.auth("PLAIN", client.auth_plain)  # login() would try CRAM-MD5 first and be refused
        client.send_message(message)
