"""What has to be true at the end of a year: the sums are right, storage is flat, and nothing is stuck."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from chalicelib.domain.durations import DAY
from chalicelib.domain.periods import Period, next_after, start_of
from chalicelib.domain.statistics import Count
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.ports.backends import Backends
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.statistics import Statistics
from chalicelib.services.checks import CheckInstallation
from tests.year.clock import moment
from tests.year.dates import RECEIVER_FAILS, RECEIVER_WORKS
from tests.year.home import Home

# What the book counts; the others follow from when something was done.
COUNTED = frozenset(
    {
        *(Count.OUTGOING, Count.INCOMING, Count.SENT, Count.SOFT_FAILS, Count.HARD_FAILS),
        *(
            Count.BOUNCES,
            Count.OPENS,
            Count.CLICKS,
            Count.COMPLAINTS,
            Count.UNSUBSCRIBES,
            Count.HELD,
        ),
    }
)
EVENTS = {
    "email.received": Count.INCOMING,
    "email.delivered": Count.SENT,
    "email.delayed": Count.SOFT_FAILS,
    "email.failed": Count.HARD_FAILS,
    "email.bounced": Count.BOUNCES,
    "email.held": Count.HELD,
    "email.opened": Count.OPENS,
    "email.clicked": Count.CLICKS,
    "email.complained": Count.COMPLAINTS,
    "email.unsubscribed": Count.UNSUBSCRIBES,
}


@dataclass
class Verdict:
    """What is wrong, in one sentence each."""

    faults: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note what is not as it should be."""
        if found != wanted:
            self.faults.append(f"{what}: {found} instead of {wanted}")


async def judged(home: Home) -> Verdict:
    """Everything but sizes."""
    verdict = Verdict()
    await _sums(home, verdict)
    _events(home, verdict)
    await _nothing_stuck(home, verdict)
    return verdict


async def _sums(home: Home, verdict: Verdict) -> None:
    statistics, server = home.program[Statistics], home.scene.server.id
    for month, counts in home.book.months.items():
        first = int(moment(f"{month}-01"))
        last = next_after(Period.MONTH, start_of(Period.MONTH, first)) - DAY
        read = await statistics.read(server, Period.DAY, first, last)
        found: Counter[str] = Counter()
        for _, day in read:
            found.update({name: number for name, number in day.items() if name in COUNTED})
        verdict.expect(f"counted in {month}", dict(+found), dict(+counts))


def _events(home: Home, verdict: Verdict) -> None:
    book = home.book
    verdict.expect("events that were listed twice", book.twice, [])
    for kind, count in EVENTS.items():
        verdict.expect(f"events {kind}", book.told[kind], book.year[count.value])
    again = {id: times for id, times in book.at_webhook.items() if times > 1}
    verdict.expect("events that a webhook was told again", again, {})
    # While the receiver fails, and until it is enabled again, it is told nothing that it takes.
    due = {id for id, day in book.ids.items() if not RECEIVER_FAILS <= day <= RECEIVER_WORKS}
    verdict.expect("events that the webhook was not told", len(due - book.at_webhook.keys()), 0)
    strange = book.at_webhook.keys() - book.ids
    verdict.expect("events that only a webhook was told", len(strange), 0)


async def _nothing_stuck(home: Home, verdict: Verdict) -> None:
    program, now = home.program, home.clock.now()
    overview = json.loads((await home.ask("GET", "/overview")).body)
    for name in ("held", "queued", "scheduled"):
        verdict.expect(f"messages {name}", overview[name], 0)
    verdict.expect("messages that are due", await program[MessageStore].due(int(now), 10), [])
    verdict.expect("open jobs", await program[Jobs].open(10), [])
    waiting = {one.pool: one.messages for one in await program[Backends].queues() if one.messages}
    verdict.expect("wake-ups in queues", waiting, {})
    verdict.expect("dead letters", await program[Backends].dead_letters(), 0)
    findings = await program[CheckInstallation].findings()
    wrong = {
        one.name: one.detail
        for one in findings
        # The emulator's web server dates its answers by the machine, whatever the clock of the year says.
        if one.status is not CheckStatus.OK and one.name != "clock"
    }
    verdict.expect("checks that do not end well", wrong, {})
