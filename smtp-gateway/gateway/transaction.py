"""One mail transaction, from MAIL to the end of content: its sender, its recipients and what it holds in memory.

Promises that what was counted with `hold` is given back by `close`. It says when content may come; it reads none, and
what becomes of it is the session's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.services.incoming.arrivals import IncomingRecipient
from chalicelib.services.limits.at_acceptance import Counted
from chalicelib.services.outgoing.store import Storable
from chalicelib.services.outgoing.submission import Recipient
from gateway import replies
from gateway.commands import MailCommand, RcptCommand
from gateway.groupcommit import RECIPIENT_BYTES
from gateway.site import Site


class Transaction:
    """`chunks` is None until the first BDAT; `failed` refuses all further chunks. `recipients` are those that mail
    leaves for, `incoming` those that are ours. `content` is there from its end until it is handed on, `held`
    what all of this takes in memory, in bytes. `counted`: against the rate of its client. `size` is how many
    messages it may become: a recipient of ours has one for each endpoint. `places` were taken in send limits that
    refuse.
    """

    __slots__ = (
        "chunks",
        "content",
        "counted",
        "failed",
        "held",
        "incoming",
        "mail",
        "places",
        "recipients",
        "site",
        "size",
        "started",
    )

    def __init__(self, site: Site, mail: MailCommand) -> None:
        self.site = site
        self.mail = mail
        self.started = site.monotonic()
        self.recipients: list[Recipient] = []
        self.incoming: list[IncomingRecipient] = []
        self.chunks: bytearray | None = None
        self.content = b""
        self.counted = False
        self.places: list[Counted] = []
        self.size = 0
        self.held = 0
        self.failed = False

    def add(self, command: RcptCommand) -> None:
        """One more recipient, whom the client sends to through us."""
        self.recipients.append(Recipient(command.address, self._dsn(command)))
        self.size += 1
        self.hold(RECIPIENT_BYTES)

    def add_incoming(self, command: RcptCommand, recipient: IncomingRecipient) -> None:
        """One more recipient, who is ours."""
        self.incoming.append(replace(recipient, dsn=self._dsn(command)))
        self.size += recipient.most_messages
        self.hold(RECIPIENT_BYTES * recipient.most_messages)

    def _dsn(self, command: RcptCommand) -> DsnParameters | None:
        mail = self.mail
        if command.notify or command.orcpt or mail.ret or mail.envid:
            return DsnParameters(command.notify, command.orcpt, mail.ret, mail.envid)
        return None

    def hold(self, count: int) -> None:
        """Count bytes that were taken into memory, or let go of when `count` is negative."""
        self.held += count
        self.site.held += count

    def close(self) -> list[Counted]:
        """Nothing is held any longer; the places, which are the caller's to use or to give back."""
        self.hold(-self.held)
        places, self.places = self.places, []
        return places

    def described(self, prepared: Sequence[Storable]) -> dict[str, object]:
        """What the log says of what was made of it."""
        fields: dict[str, object] = {}
        if prepared:
            fields["message_ids"] = [number for part in prepared for number, _ in part.names]
            fields["size"] = len(prepared[0].body)
        if self.incoming:
            fields["server_ids"] = sorted({one.server_id for one in self.incoming})
        return fields

    def content_refusal(self, chunk: int | None) -> bytes | None:
        """Why DATA, or BDAT with a chunk of so many bytes, may not come now; None when it may."""
        if not self.size:
            return replies.NO_RECIPIENTS
        if chunk is None and self.chunks is not None:
            return replies.MIXED_DATA
        if self.failed:
            return replies.CHUNK_AFTER_FAILURE
        if self.site.is_full:
            return replies.NO_MEMORY
        largest = self.site.settings.max_message_size
        if chunk is not None and len(self.chunks or b"") + chunk > largest:
            return replies.too_large(largest).render()
        return None

    def fail(self) -> None:
        """A chunk was refused: so is every later one until RSET or the last, and none is kept (RFC 3030 section 2)."""
        self.failed = True
        if self.chunks:
            self.hold(-len(self.chunks))
            self.chunks.clear()

    def join_chunks(self) -> None:
        """The last chunk has come: together they are the content."""
        self.content, self.chunks = bytes(self.chunks or b""), None
