"""Scanners that are not ours look at mail that comes in: spam is quarantined, and a threat is marked."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.ids import read_token
from tests.e2e.conftest import StartStack
from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.test_mail_comes_in import manage
from tests.patience import PATIENCE
from tests.scanner_daemons import EICAR, GTUBE, needs, running_clamd, running_spamd

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


def ended(stack: RunningStack, number: int, status: str) -> Any:
    """The message once it has this status."""

    def look() -> Any:
        found = manage(stack, "GET", f"/emails/{number}")
        return found if found["status"] == status else None

    return wait_for(look, status)


@needs("spamd")
@needs("clamd")
@pytest.mark.targets(*ALL)
def test_spam_is_quarantined_and_a_threat_marked(
    start_stack: StartStack, scanners: dict[str, str]
) -> None:
    stack = start_stack(scanners)
    assert manage(stack, "GET", "/installation")["scanners"] == ["spamd", "clamd"]
    route = {"name": "shop", "domain": "demo.test", "mode": "Accept", "spam_mode": "Quarantine"}
    manage(stack, "POST", "/routes", route)

    spam = ended(stack, send(stack, GTUBE + b"\r\n"), "Held")
    assert spam["spam"]["scanner"] == "spamd"
    assert spam["spam"]["score"] > 900
    assert "GTUBE" in {one["code"] for one in spam["spam"]["checks"]}

    threat = ended(stack, send(stack, EICAR + b"\r\n"), "Processed")
    assert threat["threat"]["found"]
    assert threat["threat"]["details"].startswith("Eicar-Test-Signature")
    assert threat["spam"]["status"] == "NotSpam"
