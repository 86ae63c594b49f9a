"""A message for a route that nobody has sent, to see what becomes of it (contract section 9).

It goes through everything that mail from outside goes through behind RCPT. Conditions of the route are not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict
from chalicelib.domain.incoming.routing import ANY
from chalicelib.domain.mail.compose import Attachment, Draft, compose
from chalicelib.domain.mail.header_rendering import Mailbox
from chalicelib.domain.mail.mailbox import LONGEST_LOCAL_PART
from chalicelib.domain.mail.received import received_field, rfc2822_date
from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.services.incoming.accept import REJECTED, AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.outgoing.stamp import new_stamp

HELO = "api"
IN_PLACE_OF_ANY = "test"
ATTACHMENT = Attachment("test.txt", "text/plain", b"This is a test attachment.\r\n")


@dataclass(frozen=True, slots=True)
class SimulatedMail:
    """Who is said to have sent it, and what it says: a subject and a text, or `raw`, all of it. `client_address` is who
    asked for it."""

    author: Mailbox
    subject: str
    text: str
    client_address: str
    raw: bytes | None = None


def whole_message(text: str) -> bytes:
    """A message as people paste it: in CRLF lines, with the empty line that ends its header."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    whole = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    return whole if b"\r\n\r\n" in whole else whole + b"\r\n"


class SimulateIncoming:
    """Makes such messages."""

    def __init__(
        self, settings: Settings, clock: Clock, rand: Rand, accept: AcceptIncoming
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._accept = accept

    async def simulate(
        self, server: Server, route: Route, mail: SimulatedMail
    ) -> tuple[Message, ...]:
        """One message for each endpoint of the route. Conflict for a route that rejects; Rejected, TemporaryFailure."""
        if route.mode is RouteMode.REJECT:
            raise Conflict(REJECTED.text)
        to = self._address(server, route)
        date = rfc2822_date(self._clock.now())
        draft = Draft(
            author=mail.author,
            to=(Mailbox("", to),),
            subject=mail.subject,
            text=mail.text,
            attachments=(ATTACHMENT,),
        )
        stamp = new_stamp(self._rand, self._settings.return_path_domain, date)
        received = received_field(
            helo=HELO,
            peer_name=None,
            peer_address=mail.client_address,
            by=self._settings.web_hostname,
            protocol="HTTP",
            date=date,
            privacy=server.privacy_mode,
        )
        bounce = route.is_return_path
        recipient = IncomingRecipient(server.id, to, (route,), asks=False, bounce=bounce)
        return await self._accept.submit(
            IncomingMail(
                mail_from=mail.author.address,
                recipients=(recipient,),
                content=compose(draft, stamp) if mail.raw is None else mail.raw,
                received=received,
                helo=HELO,
                client=mail.client_address,
                received_with_ssl=True,
                smtputf8=draft.needs_smtputf8 or (mail.raw is not None and not mail.raw.isascii()),
            )
        )

    def _address(self, server: Server, route: Route) -> str:
        if route.is_return_path:
            return f"{server.token}@{self._settings.return_path_domain}"
        name = route.name.replace(ANY, IN_PLACE_OF_ANY)[:LONGEST_LOCAL_PART]
        return f"{name}@{route.domain}"
