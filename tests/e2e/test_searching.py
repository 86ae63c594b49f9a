"""Mail is found that is not among the newest two hundred: the outbox tells the index of it, and the API asks there."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.test_statistics_are_counted import tenant

__all__ = ["tenant"]
BATCH = 50
BATCHES = 5


def search(stack: RunningStack, key: str, text: str) -> list[str]:
    """The subjects of the first page."""
    path = f"/api/v2/emails?limit=100&q={quote(text)}"
    status, body = stack.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)["data"]
    return [one["subject"] for one in found]


@pytest.mark.slow
def test_mail_is_found_by_words_tag_sender_and_what_became_of_it(
    stack: RunningStack, tenant: tuple[str, str, str]
) -> None:
    _, key, domain = tenant
    run = secrets.token_hex(4)
    for batch in range(BATCHES):
        emails = [
            {
                "from": f"app@{domain}",
                "to": [f"{run}-{batch}-{number}@example.test"],
                "subject": f"Parcel {run}x{batch} {number}",
                "text": "x",
                "tag": f"batch{batch}",
            }
            for number in range(BATCH)
        ]
        status, body = stack.request(
            "POST", "/api/v2/emails/batch", emails, {"Authorization": f"Bearer {key}"}
        )
        assert (status, json.loads(body)["rejected"]) == (200, 0), body

    def found(text: str, subjects: list[str]) -> None:
        wait_for(lambda: search(stack, key, text) == subjects, f"{text} to be found", 400)

    everything = [f"Parcel {run}x0 {number}" for number in reversed(range(BATCH))]
    found(f"{run}x0", everything)
    found("tag:batch0 status:sent", everything)
    found(f"from:app@{domain} tag:batch0", everything)
    found(f"{run}-0-17@example.test", [f"Parcel {run}x0 17"])
    assert search(stack, key, f"{run}x0 -tag:batch0") == []
    status, body = stack.request(
        "GET", "/api/v2/emails?q=colour:red", headers={"Authorization": f"Bearer {key}"}
    )
    assert status == 422, body
