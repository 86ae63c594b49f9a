"""The mail of one day, the same on every day: what the clients send, what comes in, what readers and receivers do.

Whatever is done is written into the book by what the world sees of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.reply import Reply
from chalicelib.domain.statistics import Count
from chalicelib.domain.tracking.visit import Visit
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.tracking.answer import Track
from gateway.configuration import Role
from tests.reported_mail import complaint, delivery_report
from tests.tracking_scene import BROWSER, READER
from tests.year.home import MONTHLY, Home

LATER = TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT")
UNKNOWN = TransactionResult(Reply(550, "5.1.1", "User unknown"), "RCPT")
HTML = '<p><a href="https://shop.example.com/?a=1">shop</a></p>'
ONE_CLICK = re.compile(rb"List-Unsubscribe: <https?://[^/>]+(/u/[A-Za-z0-9]+)>")
LINK = re.compile(rb'href="(?:3D")?https://click\.acme\.test(/[a-z]{6}/[0-9A-Za-z]{22})')
IMAGE = re.compile(rb"https://click\.acme\.test(/img/[a-z]{6}/[0-9A-Za-z]{22})")
INCOMING = (
    b"From: Jane <jane@away.example>\r\nTo: support@acme.test\r\nSubject: Help\r\n\r\nHelp!\r\n"
)
GREYLISTED = 451
FEW = 5
LONG_AGO = 40
"""Days after which nobody is suppressed for an address that was unknown."""
FORM = "application/x-www-form-urlencoded"


@dataclass
class Day:
    """A day of a home; `number` counts from nought."""

    home: Home
    number: int

    @property
    def is_weekly(self) -> bool:
        """Whether what happens once a week happens."""
        return self.number % 7 == 0

    async def morning(self) -> None:
        """Clients submit by SMTP and by HTTP."""
        world = self.home.egress
        world.will("slow@example.net", LATER, LATER)
        world.always(f"gone{self.number}@example.org", UNKNOWN)
        client = await self.home.gateway.logged_in()
        said = [
            await client.submit(_text(f"One {self.number}"), "one@example.com", "two@example.com")
        ]
        said += [await client.submit(_text("Slow"), "slow@example.net")]
        said += [await client.submit(_text("Gone"), f"gone{self.number}@example.org")]
        assert {one.code for one in said} == {250}, said
        client.close()
        self._accepted(4)
        await self._by_http()

    async def _by_http(self) -> None:
        number = self.number
        html = {"html": HTML, "text": "Shop", "to": "reader@example.com", "tag": "news"}
        first = await self.send(html, idempotency_key=f"day-{number}")
        again = await self.home.ask("POST", "/emails", _mail(html), idempotency_key=f"day-{number}")
        assert again.json == first, again
        await self.send({"text": "Bounce", "to": f"bounce{number}@example.com"})
        if number:
            await self.send({"text": "Again", "to": f"gone{number - 1}@example.org"})
            self.home.book.count(Count.HELD, self.home.clock.now())
        if number > LONG_AGO:
            await self.send({"text": "Once more", "to": f"gone{number - LONG_AGO}@example.org"})
        await self._metered()
        at = datetime.fromtimestamp(self.home.clock.now() + 30 * 3_600, UTC)
        await self.send({"text": "Scheduled", "scheduled_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"})
        if self.is_weekly:
            await self.send({"text": "Unwanted", "to": f"cross{number}@example.com"})
            bulk = {"text": "Bulk", "to": f"tired{number}@example.com", "stream": "broadcast"}
            await self.send(bulk)

    async def send(self, fields: dict[str, Any], **headers: str) -> Any:
        """One message by HTTP; the answer."""
        reply = await self.home.ask("POST", "/emails", _mail(fields), **headers)
        assert reply.status == 202, reply
        self._accepted(1)
        return reply.json

    async def _metered(self) -> None:
        """More than the key may send in a month, and fewer in the next."""
        date = self.home.clock.date
        if date.month % 2 == 0 or date.day <= FEW:
            await self.send({"text": "Metered"}, key=self.home.metered_key)
            self.home.book.meter(self.home.clock.now(), MONTHLY)

    def _accepted(self, number: int) -> None:
        self.home.book.count(Count.OUTGOING, self.home.clock.now(), number)
        self.home.book.accepted += number

    async def noon(self) -> None:
        """Others send: to routes, and reports on what was sent this morning. Readers open, click and unsubscribe."""
        await self._arrive("jane@away.example", INCOMING, "support@acme.test", "fwd@acme.test")
        received = {one.envelope.rcpt_to: one for one in self.home.egress.received}
        bounced = received[f"bounce{self.number}@example.com"]
        report = delivery_report(recipient=bounced.envelope.rcpt_to)
        await self._arrive("", _lines(report), bounced.envelope.mail_from)
        self.home.book.count(Count.BOUNCES, self.home.clock.now())
        read = received["reader@example.com"].content
        # On the day on which the keys are rotated some is signed before anybody looked for the next ones.
        signed = [f"s={one};".encode() in read for one in self.home.signing]
        assert any(signed), read
        await self._read(read)
        if self.is_weekly:
            angry = received[f"cross{self.number}@example.com"]
            await self._arrive("", _lines(complaint()), angry.envelope.mail_from)
            self.home.book.count(Count.COMPLAINTS, self.home.clock.now())
            await self._unsubscribe(received[f"tired{self.number}@example.com"].content)
        self.home.egress.received.clear()

    async def _arrive(self, sender: str, content: bytes, *recipients: str) -> None:
        """Mail from another server, which comes back when it is told so."""
        for _ in range(2):
            client = await self.home.gateway.connect(Role.MX)
            await client.say("EHLO away.example")
            said = await client.envelope(*recipients, mail_from=sender)
            if said.code != GREYLISTED:
                break
            client.close()
            self.home.clock.advance(120)
        assert said.code == 250, said
        said = await client.data(content)
        assert said.code == 250, said
        client.close()
        self.home.book.count(Count.INCOMING, self.home.clock.now(), len(recipients))
        self.home.book.accepted += len(recipients)

    async def _read(self, content: bytes) -> None:
        content = content.replace(b"=\r\n", b"").replace(b"=3D", b"=")
        for pattern, count in ((IMAGE, Count.OPENS), (LINK, Count.CLICKS)):
            found = pattern.search(content)
            assert found is not None, content
            visit = Visit("GET", found[1].decode(), "", {"user-agent": BROWSER}, READER)
            answer = await self.home.program[Track].answer(visit)
            assert answer.status in (200, 307), answer
            self.home.book.count(count, self.home.clock.now())

    async def _unsubscribe(self, content: bytes) -> None:
        found = ONE_CLICK.search(content)
        assert found is not None, content
        reply = await self.home.post_form(found[1].decode(), b"List-Unsubscribe=One-Click")
        assert reply.status == 200, reply
        self.home.book.count(Count.UNSUBSCRIBES, self.home.clock.now())


def _mail(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "from": "app@acme.test",
        "to": "one@example.com",
        "subject": "Hi",
        "text": "Hi",
    } | fields


def _text(subject: str) -> bytes:
    return f"From: App <app@acme.test>\r\nSubject: {subject}\r\n\r\nHello\r\n".encode()


def _lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
