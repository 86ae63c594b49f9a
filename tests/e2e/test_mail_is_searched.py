"""Mail that is older than the newest few hundred is found by its words: the index was told of it."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlencode

from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.test_statistics_are_counted import posthorn, tenant

__all__ = ["tenant"]

MANY = 250  # more than what is looked at live
IN_A_REQUEST = 50
WITHIN = 90  # seconds, of which 60 are promised


def test_old_mail_is_found_by_its_words(stack: RunningStack, tenant: tuple[str, str, str]) -> None:
    server, _, domain = tenant
    # It holds what comes, so that nothing of it is sent.
    holding = ("credential", "create", "api", "--kind", "api", "--hold", "--server", server)
    headers = {"Authorization": f"Bearer {posthorn(stack, *holding)['key']}"}

    def send(subject: str, *recipients: str) -> int:
        email = {"from": f"a@{domain}", "to": recipients, "text": "Hello", "subject": subject}
        status, answer = stack.request("POST", "/api/v2/emails", email, headers)
        assert status == 202, answer
        found: int = json.loads(answer)["id"]
        return found

    def found(q: str) -> list[dict[str, Any]]:
        status, answer = stack.request(
            "GET", f"/api/v2/emails?{urlencode({'q': q})}", headers=headers
        )
        assert status == 200, answer
        data: list[dict[str, Any]] = json.loads(answer)["data"]
        return data

    word = f"w{secrets.token_hex(6)}"
    old = send(f"An {word.upper()} of old", f"bob@{word}.test")
    assert [one["id"] for one in found(word)] == [old]
    for start in range(0, MANY, IN_A_REQUEST):
        send("Later", *(f"u{n}@later.test" for n in range(start, start + IN_A_REQUEST)))
    for q in (word, f"{word[:8]}* -later", f"to:*@{word}.test", f'subject:"an {word}"'):
        wait_for(lambda q=q: [one["id"] for one in found(q)] == [old], q, WITHIN)  # type: ignore[misc]
    assert found(f"{word} later") == []
    shown = posthorn(stack, "message", "list", "--server", server, "-q", word)
    assert [one["id"] for one in shown["data"]] == [old]
