"""What messages/message says of mail that scanners looked at (contract sections 2.4 and 5)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.scanners import ScriptedScanners
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.inspection import SpamCheck, Threat
from chalicelib.ports.scanners import Scanners, ScanRefused, ScanTimedOut, SpamReport
from tests.http_api import api_world
from tests.incoming_play import arrives, carried
from tests.worlds import make_scene

SPAM = SpamReport("spamd", 7.2, (SpamCheck("GTUBE", 7.2, "Generic test"),))


def inspection(report: SpamReport | None, found: Threat | MailError | None) -> Any:
    scanners = ScriptedScanners()
    scanners.report, scanners.found = report, found
    scene = bootstrap.run(make_scene(parts={Scanners: scanners}))
    message = bootstrap.run(arrives(scene, None))
    bootstrap.run(carried(scene, message))
    with api_world(scene=scene) as api:
        asked = {"id": message.id, "_expansions": ["inspection"]}
        return api.v1("messages/message", asked)["data"]["inspection"]


@pytest.mark.parametrize(
    ("found", "details"),
    [
        (Threat(True, "Eicar-Test-Signature FOUND"), "Eicar-Test-Signature FOUND"),
        (Threat(), "No threats found"),
        (ScanRefused("no"), "Could not scan message"),
        (ScanTimedOut("late"), "Timed out scanning for threats"),
        (TemporaryFailure("gone"), "Error when scanning for threats"),
    ],
)
def test_what_was_said_about_threats_is_shown(found: Threat | MailError, details: str) -> None:
    told = inspection(None, found)
    assert (told["inspected"], told["threat_details"]) == (True, details)
    assert told["threat"] is (isinstance(found, Threat) and found.found)


def test_of_a_scanner_that_is_not_there_nothing_is_said() -> None:
    told = inspection(SPAM, None)
    assert told == {
        "inspected": True,
        "spam": True,
        "spam_score": 7.2,
        "threat": False,
        "threat_details": None,
    }
