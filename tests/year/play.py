"""A year in the life of an installation: day after day, what is to happen that day and what the program does of itself.

year = Year(home, work)
await year.run(short_year())
await year.settle_down()
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from chalicelib.adapters.aws.dynamo.event_log import SETTLING_SECONDS
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.http_exchange import HttpAnswer
from chalicelib.domain.statistics import Count
from chalicelib.services.tenancy.domains import Domains
from tests.certificates import fingerprint, new_pair
from tests.published import publish
from tests.year.clock import moment
from tests.year.dates import CORRECTED, RECEIVER_FAILS, RECEIVER_WORKS, Date
from tests.year.home import HOOK_HOST, Home
from tests.year.mail import Day
from tests.year.people import People

MOST_ROUNDS = 60
CERTIFICATE_DAYS, KEY_DAYS, CRASH_DAYS = 15, 20, 10
SETTLED_DAYS = 12


class Work(Protocol):
    """What the program does of itself on an engine, turn by turn."""

    async def deliver(self) -> int: ...
    async def tell(self) -> None: ...
    async def post(self) -> int: ...
    async def minute(self) -> None: ...
    async def hour(self) -> None: ...
    async def crash(self) -> int: ...


@dataclass
class Year:
    """What is played, and how far."""

    home: Home
    engine: Callable[[Posthorn], Work]
    each_month: Callable[[str], Awaitable[None]] | None = None
    number: int = 0
    crashed: int = 0
    _work: Work = field(init=False)
    _cursor: str = ""
    _seen: int = 0

    async def run(self, dates: Iterable[Date]) -> None:
        """Play these days, one after the other; the program is opened anew on the first of each month."""
        people, month = People(self.home), list[Date]()
        for date in dates:
            if date.is_first and month:
                await self._month(month, people)
                month = []
            month.append(date)
        await self._month(month, people)

    async def _month(self, dates: list[Date], people: People) -> None:
        async with self.home.open():
            self._work = self.engine(self.home.program)
            for date in dates:
                await self._day(date, people)
            if self.each_month is not None:
                await self.each_month(f"{dates[-1].day:%Y-%m}")

    async def settle_down(self) -> None:
        """Let what waits come to its end, while nobody sends."""
        async with self.home.open():
            self._work = self.engine(self.home.program)
            for _ in range(SETTLED_DAYS):
                self.home.clock.advance(DAY)
                await self._turn()
                await self.follow()

    async def _day(self, date: Date, people: People) -> None:
        begin = moment(date.day.isoformat())
        if self.home.clock.now() > begin + HOUR:
            return  # the clock was set past it
        await self._at(begin + 3 * HOUR + 600)
        if not date.is_quiet:
            await self._busy(date, begin, people)
        await self._at(begin + DAY - 300)
        await self.follow()

    async def _busy(self, date: Date, begin: float, people: People) -> None:
        day = Day(self.home, self.number)
        self._receivers(date)
        await self._at(begin + 9 * HOUR)
        await day.morning()
        if self.number % CRASH_DAYS == 0:
            self.crashed += await self._work.crash()
        await people.today(self.number, date.day.day)
        await self._renewals()
        await self._turn()
        for minutes in (3, 15):
            await self._at(begin + 9 * HOUR + minutes * 60)
        await self._at(begin + 12 * HOUR)
        await day.noon()
        self._seen = 0
        await self._turn()
        if date.day in CORRECTED:
            await self.follow()
            self.home.clock.correct(CORRECTED[date.day])
        await self._at(begin + 15 * HOUR)
        if date.day == RECEIVER_WORKS:
            await self._enable()
        self.number += 1

    def _receivers(self, date: Date) -> None:
        fails = RECEIVER_FAILS <= date.day < RECEIVER_WORKS
        self.home.hook_answer = HttpAnswer(500 if fails else 200)

    async def _enable(self) -> None:
        at = f"/webhooks/{self.home.webhook}"
        found = (await self.home.manage("GET", at, None, "acme/app")).json
        assert not found["enabled"], found
        changed = await self.home.manage("PATCH", at, {"enabled": True}, "acme/app")
        assert changed.json["enabled"], changed

    async def _renewals(self) -> None:
        if self.number % CERTIFICATE_DAYS == CERTIFICATE_DAYS - 1:
            pair = new_pair()
            self.home.files.replace(pair)
            assert self.home.gateway.site.certificate is not None
            self.home.gateway.site.certificate.look()
            assert fingerprint(await self.home.shown_certificate()) == pair.fingerprint
        if self.number % KEY_DAYS == KEY_DAYS - 1:
            domains = self.home.program[Domains]
            rotating = await domains.rotate(await self.home.domain())
            publish(self.home.program[ScriptedResolver], domains.records(rotating))
            self.home.selectors.append(rotating.next_keys[0].selector)
            self.home.signing = self.home.selectors[-2:]
        else:
            self.home.signing = self.home.selectors[-1:]

    async def _at(self, when: float) -> None:
        self.home.clock.wait_for(when)
        await self._turn()

    async def _turn(self) -> None:
        """A minute and an hour of upkeep, until nothing is left to be done now."""
        await self._work.minute()
        await self._work.hour()
        for _ in range(MOST_ROUNDS):
            delivered = await self._work.deliver()
            self._book()
            await self._work.tell()
            if not delivered + await self._work.post():
                return
        raise AssertionError("there is no end of what is to be done")

    def _book(self) -> None:
        """Write down what the receivers saw."""
        book, now = self.home.book, self.home.clock.now()
        received = self.home.egress.received
        for one in received[self._seen :]:
            reply = getattr(one.outcome, "reply", None)
            code = reply.code if reply else 0
            kinds = {2: Count.SENT, 4: Count.SOFT_FAILS, 5: Count.HARD_FAILS}
            book.count(kinds[code // 100], now)
            if b"posthorn@acme.test" in one.content[:2_000]:
                book.notices.append(one.content.decode(errors="replace"))
                book.count(Count.OUTGOING, now)
                book.accepted += 1
        self._seen = len(received)
        for request in (one for one in self.home.receiver.heard if one.method == "POST"):
            if request.url.host != HOOK_HOST:
                book.count(Count.SENT, now)
            elif self.home.hook_answer.code == 200:
                book.at_webhook[dict(request.headers)["webhook-id"]] += 1
        self.home.receiver.heard.clear()

    async def follow(self) -> None:
        """Read the events that are new, a moment later: what is newer is not listed yet, and what is older than a day
        no more."""
        self.home.clock.advance(SETTLING_SECONDS + 1)
        while True:
            cursor = f"&cursor={quote(self._cursor)}" if self._cursor else ""
            reply = await self.home.ask("GET", f"/events?limit=100{cursor}")
            assert reply.status == 200, reply
            page = json.loads(reply.body)
            for one in page["data"]:
                day = datetime.fromisoformat(one["timestamp"]).date()
                self.home.book.tell(one["id"], one["type"], day)
            self._cursor = page["next_cursor"]
            if not page["has_more"]:
                return
