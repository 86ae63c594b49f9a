"""The recordings of tests/data/golden as values, and which of them wait for incoming mail.

Nothing here compares: what was recorded is given as it is.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).resolve().parents[1] / "data" / "golden"

PLAYED = frozenset(
    {
        "api-v1.json",
        "smtp.json",
        "tracking.json",
        "mail-out.json",
        "webhooks.json",
        "http-endpoints.json",
        "incoming.json",
        "jwks.json",
    }
)
"""Files that are held against what there is; of webhooks.json the texts of deliveries alone."""

WITH_INCOMING_MAIL: dict[str, frozenset[str]] = {
    "api-v1.json": frozenset(
        f"{action}: kind: {kind}"
        for action in ("messages/message", "messages/deliveries")
        for kind in (
            "a bounced message",
            "the bounce itself",
            "an incoming message",
            "an incoming message with attachments",
        )
    ),
    "smtp.json": frozenset({"incoming recipients", "a loop", "too large"}),
}
"""Calls and dialogues about bounces and incoming mail, which are played when there is incoming mail."""

LATER = frozenset({"database.json"})
"""Files about moving an installation in."""


def read(name: str) -> Any:
    """A file of recordings."""
    return json.loads((FOLDER / name).read_text())


@dataclass(frozen=True)
class ApiCall:
    """One recorded call of API v1 and its answer. `key` is `valid`, none, or the text that was sent."""

    name: str
    action: str
    method: str
    content_type: str
    key: str | None
    body: Any
    status: int
    headers: dict[str, str]
    answer: Any

    @property
    def title(self) -> str:
        """What tells it from all others."""
        return f"{self.action}: {self.name}"


@cache
def api_calls() -> tuple[ApiCall, ...]:
    """Every call of api-v1.json in order."""
    return tuple(
        ApiCall(
            name=call["name"],
            action=call["action"],
            status=call["status"],
            headers=call["headers"],
            answer=call["answer"],
            **call["request"],
        )
        for call in read("api-v1.json")
    )


def played_calls() -> list[ApiCall]:
    """The calls that need no incoming mail."""
    return [call for call in api_calls() if call.title not in WITH_INCOMING_MAIL["api-v1.json"]]


@dataclass(frozen=True)
class Exchange:
    """What a client said and what the server answered; the greeting answers nothing."""

    client: str
    server: tuple[str, ...]


@cache
def dialogues() -> dict[str, tuple[Exchange, ...]]:
    """Every SMTP dialogue by name."""
    return {name: tuple(_exchanges(steps)) for name, steps in read("smtp.json").items()}


def _exchanges(steps: list[dict[str, Any]]) -> list[Exchange]:
    made, said = [], ""
    for step in steps:
        if "client" in step:
            said = step["client"]
        else:
            made.append(Exchange(said, tuple(step["server"])))
    return made


@dataclass(frozen=True)
class TrackedMessage:
    """The message of mail-out.json: what was submitted, and what the receiving server got."""

    submitted: dict[str, Any]
    mail_from: str
    rcpt_to: tuple[str, ...]
    content: bytes


def tracked_message() -> TrackedMessage:
    """The one message of mail-out.json, with CRLF line ends (it was written down with LF)."""
    (mail,) = read("mail-out.json")
    raw = base64.b64decode(mail["raw_base64"]).replace(b"\n", b"\r\n")
    return TrackedMessage(mail["submitted"], mail["mail_from"], tuple(mail["rcpt_to"]), raw)


@dataclass(frozen=True)
class Visit:
    """A recorded request to the track domain and its answer; a HEAD request came from another client."""

    method: str
    url: str
    status: int
    headers: dict[str, str]
    body: str | None

    @property
    def title(self) -> str:
        """What tells it from all others."""
        return f"{self.method} {urlsplit(self.url).path}{'?src' if 'src=' in self.url else ''}"


@cache
def visits() -> tuple[Visit, ...]:
    """Every request of tracking.json in order."""
    found = read("tracking.json")
    made = []
    for each in found:
        head = each["url"].startswith("HEAD")
        method, url = ("HEAD", found[0]["url"]) if head else ("GET", each["url"])
        made.append(Visit(method, url, each["status"], each["headers"], each.get("body")))
    return tuple(made)


def delivery_details(event: str) -> list[str]:
    """The `details` in the webhooks of an event, oldest first."""
    return [json.loads(hook["body"])["payload"]["details"] for hook in read("webhooks.json")[event]]
