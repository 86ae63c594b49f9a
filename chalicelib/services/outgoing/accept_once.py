"""Mail with an idempotency key among its fields is accepted once in 24 hours.

Whoever stores a message claims its key first, and says then what became of it. The key belongs to the server and the
envelope; a message with other content under it is refused, because it would be lost. When the process dies between
storing and saying so, the key is free again after 60 seconds, and the message may be accepted twice, as without a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress

from chalicelib.domain.errors import MailError
from chalicelib.domain.mail.compose import Draft, Stamp, compose
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.option_fields import IDEMPOTENCY_KEY
from chalicelib.domain.mail.splicing import Edit, spliced
from chalicelib.domain.model import Message
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.reply import Reply
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.services.idempotency import KeyInFlight, KeyReused, fingerprint
from chalicelib.services.outgoing.submission import Prepared, Submission

ACCEPTED = 202
_TRACES = (b"received", b"return-path")
_SAME = Stamp("", "", "mixed", "alternative", "related")
_REUSED = "This idempotency key was used for another message"
# What was stored or refused stays so, even if the store cannot note it; the claim then lapses by itself.
_STAYS_SO = suppress(MailError)


class AcceptOnce:
    """Claims and ends the keys of prepared messages."""

    def __init__(self, keys: IdempotencyKeys, clock: Clock, messages: MessageStore) -> None:
        self._keys = keys
        self._clock = clock
        self._messages = messages

    async def earlier(self, prepared: Prepared) -> list[tuple[MessageId, str]] | None:
        """Number and token of each message that was made under its key before; None when it is to be stored now, which
        `ended` must be told of. KeyInFlight while another is being stored, KeyReused for other content."""
        if not prepared.key:
            return None
        claim = await self._keys.begin(
            prepared.server_id, prepared.key, prepared.mark, self._clock.now()
        )
        if claim.found is Claimed.STARTED:
            return None
        if claim.found is Claimed.OTHER_BODY:
            raise KeyReused(_REUSED, reply=Reply(550, "5.6.0", _REUSED))
        if claim.found is not Claimed.REPLAY:
            raise KeyInFlight("A message with this idempotency key is being accepted")
        return [(MessageId(number), token) for number, token in json.loads(claim.body)]

    async def earlier_messages(self, prepared: Prepared) -> tuple[Message, ...] | None:
        """The messages themselves, of which those that are gone are left out."""
        named = await self.earlier(prepared)
        if named is None:
            return None
        known = [(prepared.server_id, number) for number, _ in named]
        return tuple(one.message for one in await self._messages.get_many(known))

    async def ended(self, batch: Iterable[Prepared], *, stored: bool) -> None:
        """Keep what was made under the keys of messages, or give the keys back."""
        for prepared in batch:
            if not prepared.key:
                continue
            with _STAYS_SO:
                if stored:
                    body = json.dumps([(one.id, one.token) for one in prepared.messages])
                    await self._keys.complete(prepared.server_id, prepared.key, ACCEPTED, body)
                else:
                    await self._keys.abandon(prepared.server_id, prepared.key)


def mark_of(submission: Submission, headers: Headers) -> str:
    """A digest of what a client sent: without trace fields, which mail servers on the way put before it. Of a draft it
    was made of that."""
    if submission.mark:
        return submission.mark
    said = repr((submission.options, submission.tag)).encode()
    traces = (field for field in headers.fields if field.name in _TRACES)
    content = spliced(submission.content, (Edit(one.start, one.end, b"") for one in traces))
    return fingerprint(said, content)


def mark_of_draft(submission: Submission, draft: Draft) -> str:
    """The same of what a client described; empty where that has no key."""
    if all(name.strip().lower().encode() != IDEMPOTENCY_KEY for name, _ in draft.headers):
        return ""
    said = repr((submission.options, submission.tag)).encode()
    return fingerprint(said, compose(draft, _SAME))
