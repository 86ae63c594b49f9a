"""A sample posted to an HTTP endpoint at once, to see what it answers (api.md 2.8).

The message is invented: it is in no list, and only its bytes are kept for two days, where the format has an address of
them. Nobody looked at it, so what is said of that is invented, too. What the endpoint says changes nothing, whether it
is enabled or not.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.ids import random_alphanumerics
from chalicelib.domain.inspection import Authentication, DkimSignature, Dmarc, Inspection, Spf
from chalicelib.domain.mail.compose import Attachment, Draft, compose
from chalicelib.domain.mail.header_rendering import Mailbox
from chalicelib.domain.mail.received import rfc2822_date
from chalicelib.domain.model import (
    INCOMING_QUEUE,
    Arrival,
    Message,
    MessageRecord,
    Origin,
    Scope,
)
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.tenancy.endpoints import Endpoint, EndpointType
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import NOT_STORED
from chalicelib.ports.rand import Rand
from chalicelib.services.incoming.endpoint_request import EndpointRequest, Posting
from chalicelib.services.outgoing.stamp import new_stamp

SECONDS = 20.0
TOKEN_LENGTH = 16
SENDER = Mailbox("Posthorn", "test@example.com")
DOMAIN = "example.com"
HOST, CLIENT = "mx.example.com", "192.0.2.1"
SUBJECT = "Test of an endpoint"
TEXT = "This message was invented to try an endpoint.\n"
ATTACHMENT = Attachment("test.txt", "text/plain", b"This is a test attachment.\r\n")
INSPECTION = Inspection(
    authentication=Authentication(
        Spf("pass", DOMAIN, CLIENT),
        (DkimSignature("pass", DOMAIN, "test"),),
        Dmarc("pass", DOMAIN, "none", ("spf", "dkim")),
    )
)


class TryEndpoint:
    """Posts samples."""

    def __init__(
        self, settings: Settings, clock: Clock, rand: Rand, request: EndpointRequest
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._request = request

    async def send(self, server: Server, endpoint: Endpoint) -> HttpAnswer:
        """The answer to a sample in the endpoint's format, within SECONDS. Conflict for other types than http;
        TemporaryFailure."""
        if endpoint.type is not EndpointType.HTTP:
            raise Conflict("Only endpoints of the type http can be tested")
        date = rfc2822_date(self._clock.now())
        stamp = new_stamp(self._rand, self._settings.return_path_domain, date)
        content = compose(self._draft(endpoint), stamp)
        message = Message(
            server_id=server.id,
            id=MessageId(0),
            scope=Scope.INCOMING,
            received_at=self._clock.now(),
            size=len(content),
            blob=NOT_STORED,
            token=random_alphanumerics(self._rand.bytes(32), TOKEN_LENGTH),
            mail_from=SENDER.address,
            rcpt_to=self._recipient(endpoint),
            subject=SUBJECT,
            message_id=stamp.message_id,
            origin=Origin(INCOMING_QUEUE, self._settings.route_domain, ""),
            received_with_ssl=True,
            arrival=Arrival(endpoint_id=endpoint.id, helo=HOST, client=CLIENT, client_name=HOST),
        )
        record = MessageRecord(message, inspection=INSPECTION)
        posting = Posting(record, server, None, content, content)
        return await self._request.send(posting, endpoint, SECONDS)

    def _draft(self, endpoint: Endpoint) -> Draft:
        return Draft(
            author=SENDER,
            to=(Mailbox("", self._recipient(endpoint)),),
            subject=SUBJECT,
            text=TEXT,
            attachments=(ATTACHMENT,),
        )

    def _recipient(self, endpoint: Endpoint) -> str:
        return f"{endpoint.id}@{self._settings.route_domain}"
