"""What arrives: mail for recipients that were found to be ours, and what becomes of it before it is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.model import BlobRef, Message, Origin
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.routes import Route


@dataclass(frozen=True, slots=True)
class IncomingRecipient:
    """One recipient that a server takes mail for. `address` is the one that is routed, with its tag; `to` is what the
    client named, where that is another. `routes` are those whose name fits, in order; the first whose conditions hold
    takes the mail, and unless `asks` the first whatever they are. `bounce`: it is a return path. `reports`: only
    reports on mail that was forwarded are taken. With `forwarded` the mail leaves again as it is, by that way."""

    server_id: ServerId
    address: str
    routes: tuple[Route, ...] = ()
    to: str = ""
    asks: bool = True
    bounce: bool = False
    reports: bool = False
    forwarded: Origin | None = None
    dsn: DsnParameters | None = None

    @property
    def most_messages(self) -> int:
        """How many messages it may become: one, and one for each further endpoint of a route."""
        return 1 + max((len(route.additional_endpoints) for route in self.routes), default=0)


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """One message that arrived. `content` is as it came, `received` the trace field to put in front of it. `shared`:
    others than these recipients take it too, so that it is not refused for their sake."""

    mail_from: str
    recipients: tuple[IncomingRecipient, ...]
    content: bytes
    received: bytes = b""
    helo: str = ""
    client: str = ""
    client_name: str = ""
    received_with_ssl: bool = False
    smtputf8: bool = False
    shared: bool = False


@dataclass(slots=True)
class PreparedIncoming:
    """What one server takes of a message: its bytes, and a draft for each recipient and endpoint, which says all but
    where the bytes lie. `messages` are there once they are stored."""

    body: bytes
    server_id: ServerId
    drafts: tuple[Message, ...]
    names: list[tuple[MessageId, str]]
    messages: tuple[Message, ...] = ()

    @property
    def recipients(self) -> int:
        """How many messages are made of it."""
        return len(self.drafts)

    def messages_at(self, blob: BlobRef) -> tuple[Message, ...]:
        """The messages, of which the bytes lie at this place."""
        return tuple(replace(draft, blob=blob) for draft in self.drafts)
