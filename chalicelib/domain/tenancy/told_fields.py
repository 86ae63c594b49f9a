"""What the audit log tells of a value's fields: no secret, and of mail addresses their hashes (api.md 2.21)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s<>\"',;:()\[\]]+@[^\s<>\"',;:()\[\]]*[^\s<>\"',;:()\[\].]")
# Fields that say where a value is, that follow from others, or that each check changes; and secrets, which are told as
# HIDDEN.
_UNTOLD = frozenset(
    "id uuid created_at organization_id organization_permalink server_id token digest hint last_used_at"
    " last_used_address number dns_error dns_checked_at dns_found dns_unanswered sealed_old_secret"
    " old_secret_until user_id maker inviter last_seen_at totp_step sealed_new_totp https_fault"
    " https_checked_at https_ends_at rate_holds looked_at listed".split()
)
_SECRET = frozenset({"wrapped", "verification_token", "password", "recovery"})
_CALLED = {
    "sealed_key": "key",
    "sealed_password": "password",
    "sealed_user_info": "user_info",
    "sealed_secret": "secret",
    "sealed_totp": "totp",
    "senders": "from",
    "recipients": "to",
    "is_default": "default",
    "suspended_for": "suspension_reason",
}


@dataclass(frozen=True, slots=True)
class _Secret:
    """Whether it changes shows, what it is does not."""

    value: Any


def told_fields(value: Any) -> dict[str, Any]:
    """The fields of a value that are told, by the names that they are told under, secrets still to be masked."""
    names = (field.name for field in fields(value))
    return {
        _CALLED.get(name, name): _plain(getattr(value, name), name)
        for name in names
        if name not in _UNTOLD
    }


def _plain(value: Any, name: str = "") -> Any:
    if (name in _SECRET or isinstance(value, bytes)) and value not in (None, "", ()):
        return _Secret(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return told_fields(value)
    if name.endswith(("_at", "_until")) and isinstance(value, int | float):
        return time_text(value) if value else None
    return value


def masked(value: Any) -> Any:
    """What is told of fields: no secret, and of mail addresses their hashes."""
    if isinstance(value, dict):
        return {name: masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    if isinstance(value, _Secret):
        return HIDDEN
    return _ADDRESS.sub(_hashed, value) if isinstance(value, str) else value


def _hashed(match: re.Match[str]) -> str:
    return f"sha256:{hashlib.sha256(match[0].lower().encode()).hexdigest()}"


def time_text(epoch: float) -> str:
    """An epoch time as entries have it: RFC 3339 in UTC, with milliseconds."""
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
