"""How a submission is to be sent: what its request says, then what the message's own fields say, then the stream.

A value that is wrong refuses the message, whoever gave it, and says where it stands in the request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from chalicelib.domain.errors import INVALID, FieldError, InvalidRequest
from chalicelib.domain.mail.option_fields import (
    IDEMPOTENCY_KEY,
    METADATA,
    SCHEDULE,
    STREAM,
    UNSUBSCRIBE,
    OptionField,
)
from chalicelib.domain.model import TRANSACTIONAL
from chalicelib.domain.reply import Reply
from chalicelib.domain.send_options import (
    NOTHING_SAID,
    later,
    metadata_text,
    read_key,
    read_metadata,
    read_schedule,
    read_yes_or_no,
)
from chalicelib.services.outgoing.submission import IN_HEADERS, Submission
from chalicelib.services.tenancy.directory import Directory

T = TypeVar("T")


class WrongOption(InvalidRequest):
    """What says how a message is to be sent is wrong."""

    default_reply: ClassVar[Reply] = Reply(550, "5.6.0", "A field of the message is wrong")


@dataclass(frozen=True, slots=True)
class ChosenOptions:
    """What messages say (`Message`), and the key under which they are accepted once, empty for none."""

    stream: str | None = None
    metadata: str | None = None
    scheduled_at: float | None = None
    unsubscribe: bool = False
    key: str = ""


_USUAL, _WITH_FIELDS = ChosenOptions(), ChosenOptions(unsubscribe=True)


class ChooseOptions:
    """Reads options, and the stream that they name."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def of(
        self, submission: Submission, fields: Mapping[bytes, OptionField], now: float
    ) -> ChosenOptions:
        """What the messages of a submission say whose content had these fields. Raises WrongOption."""
        if not fields and submission.options is NOTHING_SAID:
            return await self._usual(submission)
        asked, reading = submission.options, _Reading(submission, fields)
        name = reading.said("stream", asked.stream, STREAM, str) or TRANSACTIONAL
        stream = await self._directory.stream(submission.principal.server.id, name)
        if stream is None:
            raise reading.wrong("stream", "names no stream of this server", "unknown_reference")
        metadata = reading.said("metadata", asked.metadata, METADATA, read_metadata)
        at = reading.said("scheduled_at", asked.scheduled_at, SCHEDULE, read_schedule)
        wanted = reading.said("unsubscribe", asked.unsubscribe, UNSUBSCRIBE, read_yes_or_no)
        key = reading.said("", None, IDEMPOTENCY_KEY, read_key)
        return ChosenOptions(
            stream=None if stream.name == TRANSACTIONAL else stream.name,
            metadata=reading.checked("metadata", metadata_text, metadata) if metadata else None,
            scheduled_at=reading.checked("scheduled_at", partial(later, now=now), at),
            unsubscribe=stream.unsubscribe if wanted is None else wanted,
            key=_name_of(submission, key) if key and submission.takes_key else "",
        )

    async def _usual(self, submission: Submission) -> ChosenOptions:
        """What most mail says: nothing."""
        server = submission.principal.server.id
        stream = await self._directory.stream(server, TRANSACTIONAL)
        return _WITH_FIELDS if stream is not None and stream.unsubscribe else _USUAL


class _Reading:
    """Options by name, each as the request or else a field says it, and where that stands in the request."""

    def __init__(self, submission: Submission, fields: Mapping[bytes, OptionField]) -> None:
        self._at = submission.header_at
        self._fields = fields
        self._found: dict[str, OptionField] = {}

    def said(
        self, option: str, asked: T | None, field: bytes, read: Callable[[str], T]
    ) -> T | None:
        """What the request says, or else what a field does. Raises WrongOption."""
        found = None if asked is not None else self._fields.get(field)
        if found is None:
            return asked
        self._found[option] = found
        if found.fault:
            raise self.wrong(option, found.fault)
        return self.checked(option, read, found.text)

    def checked(self, option: str, check: Callable[[Any], T], value: Any) -> T:
        """What a check makes of a value. Raises WrongOption."""
        try:
            return check(value)
        except ValueError as wrong:
            raise self.wrong(option, str(wrong)) from None

    def wrong(self, option: str, detail: str, code: str = INVALID) -> WrongOption:
        """The error of an option: a pointer to where it was said."""
        found = self._found.get(option)
        if found is None:
            error = FieldError(f"/{option}", code, detail)
            return WrongOption(f"The field {option} {detail}", (error,))
        at = f"{self._at}/{found.name}" if self._at == IN_HEADERS else self._at
        return WrongOption(
            f"The field {found.name} {detail}",
            (FieldError(at, code, f"{found.name} {detail}"),),
        )


def _name_of(submission: Submission, key: str) -> str:
    """What an idempotency key is known by: with the envelope, because clients that hand a message on in several
    transactions repeat its fields in each."""
    envelope = sorted(one.address.lower() for one in submission.recipients)
    whole = "\0".join((key, submission.mail_from, *envelope)).encode()
    return f"mail {hashlib.sha256(whole).hexdigest()}"
