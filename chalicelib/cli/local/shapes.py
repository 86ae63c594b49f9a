"""The JSON shapes of messages as they lie in the storage, for those who follow events.

Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.cli.terminal import iso
from chalicelib.domain.model import Delivery, Message, MessageRecord, State

Shape = dict[str, object]
_MESSAGE = (
    "id token direction mail_from rcpt_to subject message_id tag size bounce pool domain credential "
    "received_with_ssl received_at"
)
# The names of what is shown, in this order.
_NAMES: Mapping[type, str] = {
    Message: _MESSAGE,
    MessageRecord: f"{_MESSAGE} status held hold_expires_at tries next_attempt_at last_attempt_at opened_at clicked_at",
    Delivery: "id status details output at seconds sent_with_ssl tls source remote log_id",
}
# What a thing has under another name, or not as a field of its own.
_MADE: Mapping[type, Callable[[Any], Shape]] = {
    Message: lambda message: {
        "direction": message.scope,
        "pool": message.origin.pool,
        "domain": message.origin.domain,
        "credential": message.origin.credential_id,
    },
    MessageRecord: lambda record: {
        **shape(record.message),
        "next_attempt_at": iso(record.wake_at) if _is_planned(record) else None,
    },
}


def shape(thing: object) -> Shape:
    """The JSON object of a thing. KeyError for what has no shape."""
    names = _NAMES[type(thing)].split()
    made = _MADE[type(thing)](thing) if type(thing) in _MADE else {}
    return {name: made[name] if name in made else _value(thing, name) for name in names}


def _value(thing: object, name: str) -> object:
    value = getattr(thing, name)
    return iso(value) if name == "at" or name.endswith("_at") else value


def _is_planned(record: MessageRecord) -> bool:
    return record.state is State.WAITING and record.wake_at > 0
