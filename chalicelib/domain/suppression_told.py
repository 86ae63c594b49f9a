"""What is told of an entry of a suppression list: as api.md 2.13 has it, and what happened when it came or went."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.suppression import NEVER, Reason, Suppression
from chalicelib.domain.tenancy.told_fields import time_text


def told_of(entry: Suppression) -> dict[str, Any]:
    """An entry as an object of the API, with times as text."""
    is_for_good = entry.keep_until >= NEVER
    evidence = None if entry.email is None else {"email": entry.email, "report": entry.report}
    return {
        "address": entry.address,
        "scope": entry.scope.value,
        "stream": entry.stream,
        "reason": Reason.of(entry.reason).value,
        "text": entry.reason,
        "note": entry.note,
        "evidence": evidence,
        "created_by": entry.created_by,
        "created_at": time_text(entry.at),
        "expires_at": None if is_for_good else time_text(entry.keep_until),
    }


def happened(
    kind: EventType, owner: ServerId, entry: Suppression, at: float
) -> tuple[Occurrence, ...]:
    """That an entry was added or removed; nothing for an organization's list, of which no server is told."""
    if owner < 0:
        return ()
    name = f"{entry.address.lower()}/{entry.stream or ''}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    detail = json.dumps(told_of(entry), separators=(",", ":"), ensure_ascii=False)
    return (Occurrence(kind, owner, at, f"{digest}/{round(at * 1_000_000)}", detail=detail),)
