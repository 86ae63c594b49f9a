"""What a message can be found by, read from its record: the one shape that is judged, indexed and stored for searching.

Texts are as they were given; folding is for whoever compares. Whatever is not known is empty or None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId


@dataclass(frozen=True, slots=True)
class Findable:
    """A message as a search sees it. `statuses` are all words of `status` that it answers to (a scheduled one is
    `pending` and `scheduled`), `tries` and `wait` are None where it is done, `version` rises with whatever changes
    about it."""

    server: ServerId
    message: MessageId
    scope: Scope
    version: int
    received_at: float
    token: str
    mail_from: str
    rcpt_to: str
    subject: str
    message_id: str
    size: int
    statuses: tuple[str, ...]
    pool: str = ""
    credential: str = ""
    domain: str = ""
    route: str = ""
    endpoint: str = ""
    tag: str = ""
    stream: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
    wait: str | None = None
    provider: str = ""
    tries: int | None = None
    is_spam: bool = False
    is_bounce: bool = False
    is_opened: bool = False
    is_clicked: bool = False


def findable_of(record: MessageRecord) -> Findable:
    """What a message can be found by as it stands."""
    raise NotImplementedError


def metadata_of(record: MessageRecord) -> dict[str, str]:
    """The metadata that its client gave."""
    found: dict[str, str] = json.loads(record.message.metadata) if record.message.metadata else {}
    return found
