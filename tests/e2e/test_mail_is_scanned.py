"""Scanners that are not ours look at mail that comes in, and at mail that goes out: spam fails, a threat is marked."""

from __future__ import annotations

import base64
import json
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.ids import read_token
from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.test_mail_comes_in import Application, application, manage
from tests.patience import PATIENCE
from tests.scanner_daemons import EICAR, GTUBE, needs, running_clamd, running_spamd

__all__ = ["application"]
ALL = ("run", "runner", "local", "localstack")


@pytest.fixture
def scanners(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings that name running scanners."""
    with running_spamd(tmp_path) as spamd, running_clamd(tmp_path) as clamd:
        yield {"POSTHORN_SPAMD": spamd, "POSTHORN_CLAMD": clamd}


def send(stack: RunningStack, body: bytes) -> int:
    """Bring a message to the port for incoming mail; the number that it has."""
    smtp = stack.facts["smtp"]
    content = (
        b"From: jane@far.test\r\nTo: shop@demo.test\r\nSubject: Hello\r\n"
        b"Date: Sun, 29 Nov 2026 21:00:00 +0000\r\nMessage-ID: <1@far.test>\r\n\r\n" + body
    )
    with smtplib.SMTP(smtp["host"], smtp["mx"], "mx.far.test", timeout=PATIENCE) as client:
        client.ehlo()
        assert client.mail("jane@far.test")[0] == 250
        assert client.rcpt("shop@demo.test")[0] == 250
        code, said = client.data(content)
        assert code == 250, said
    numbers = read_token(said.split()[-1].decode())
    assert numbers is not None
    return numbers[1]


def told(stack: RunningStack, number: int) -> tuple[str, str]:
    """Status and details of the first attempt, once it was made."""

    def look() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = manage(stack, "GET", f"/emails/{number}/deliveries")["data"]
        return found

    (delivery,) = wait_for(look, "an attempt")
    return delivery["status"], delivery["details"]


@needs("spamd")
@needs("clamd")
@pytest.mark.targets(*ALL)
def test_spam_fails_or_is_quarantined_both_ways_and_a_threat_marked(
    start_stack: StartStack, scanners: dict[str, str], application: Application
) -> None:
    stack = start_stack(scanners)
    assert manage(stack, "GET", "/installation")["scanners"] == ["spamd", "clamd"]
    endpoint = {"type": "http", "name": "app", "url": application.url, "format": "RawMessage"}
    made = manage(stack, "POST", "/endpoints", endpoint)
    route = {"name": "shop", "domain": "demo.test", "endpoint": made["id"]}
    manage(stack, "POST", "/routes", {**route, "spam_mode": "Quarantine"})

    high = "Message's spam score is higher than the failure threshold for this server."
    status, details = told(stack, send(stack, GTUBE + b"\r\n"))
    assert (status, details.startswith(high)) == ("HardFail", True)
    manage(stack, "PATCH", "/servers/demo/demo", {"spam_threshold": -10})
    stack.request("POST", "/_local/clock", {"advance": 31})
    quarantined = ("Held", "Message placed into quarantine.")
    assert told(stack, send(stack, b"We meet at nine.\r\n")) == quarantined
    manage(stack, "PATCH", "/servers/demo/demo", {"spam_threshold": 25})
    stack.request("POST", "/_local/clock", {"advance": 31})

    assert told(stack, send(stack, EICAR + b"\r\n"))[0] == "Sent"
    message = base64.b64decode(json.loads(application.posted[-1])["message"])
    assert b"\r\nX-Postal-Threat: yes\r\nAuthentication-Results: " in message
    assert message.startswith(b"X-Postal-Spam: no\r\n")

    manage(stack, "PATCH", "/servers/demo/demo", {"outbound_spam_threshold": 50})
    stack.request("POST", "/_local/clock", {"advance": 31})
    mail = {"from": "hello@demo.test", "to": ["joe@example.com"], "subject": "Hello"}
    spam = manage(stack, "POST", "/emails", {**mail, "text": GTUBE.decode()})
    status, details = told(stack, spam["id"])
    assert (status, details[:45]) == ("HardFail", "Message is likely spam. Threshold is 50.0 and")
    other = manage(stack, "POST", "/emails", {**mail, "text": "We meet at nine."})
    assert told(stack, other["id"])[0] == "Sent"
