"""Suppressions, send rate, first answers, engagement and statistics on SQLite answer as dictionaries would."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.expiry import Expiry
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.periods import SECONDS, STORED, Period
from chalicelib.domain.statistics import Addition, Count, Slot
from chalicelib.domain.suppression import Asked, Change, Suppression
from chalicelib.domain.tenancy.send_limits import Period as Span
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.idempotency import Claimed, IdempotencyClaim, IdempotencyKeys
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from tests.at_once import done
from tests.fakes import NOW

SERVERS = st.sampled_from((ServerId(1), ServerId(2)))
MESSAGES = st.sampled_from((MessageId(1), MessageId(2**31 - 1)))
ADDRESSES = st.sampled_from(
    ("John@Example.com", "john@example.com", "ä@example.net", "Ä@example.net")
)
WORDS = st.sampled_from(("a", "b"))
SECONDS_AHEAD = st.sampled_from((1, 59, 60, 3_600, DAY))
PERIODS = st.sampled_from(STORED)
OPEN_SECONDS = 60


def limit_of(server: ServerId) -> Limit:
    return Limit(LimitOwner(OwnerKind.SERVER, server), Span.HOUR, 4)


class SmallStores(RuleBasedStateMachine):
    """Each rule asks the stores and the dictionaries alike."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ControlledClock(NOW, self_moving=False)
        program = Posthorn(Settings(), "sqlite", {Clock: self.clock})
        self.suppressions = program[SuppressionList]
        self.limits = program[SendLimits]
        self.answers = program[IdempotencyKeys]
        self.engagement = program[Engagement]
        self.statistics = program[Statistics]
        self.expiry = program[Expiry]
        self.listed: dict[tuple[int, str], Suppression] = {}
        self.sent: Counter[tuple[int, int]] = Counter()
        self.first: dict[tuple[int, str], list[Any]] = {}
        self.links: dict[tuple[int, int], tuple[list[str], int]] = {}
        self.hits: dict[tuple[int, int], list[tuple[EngagementEvent, int]]] = {}
        self.counted: dict[tuple[Slot, str], tuple[int, Counter[Count]]] = {}

    @property
    def now(self) -> int:
        return int(self.clock.now())

    @rule(seconds=SECONDS_AHEAD)
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def what_is_over_is_removed(self) -> None:
        done(self.expiry.step(self.now))

    @rule(server=SERVERS, address=ADDRESSES, reason=WORDS, ahead=SECONDS_AHEAD)
    def a_recipient_is_listed(
        self, server: ServerId, address: str, reason: str, ahead: int
    ) -> None:
        entry = Suppression(address, reason, self.now, self.now + ahead)
        known = self.listed.get((server, address.lower()))
        before = known if known is not None and known.keep_until > self.now else None
        other = Change(entry, replace(entry, reason=f"not {reason}"))
        assert done(self.suppressions.put_all(server, [other], self.now)) == {other.name}
        assert not done(self.suppressions.put_all(server, [Change(entry, before)], self.now))
        self.listed[server, address.lower()] = entry

    @rule(server=SERVERS, address=ADDRESSES)
    def a_recipient_is_unlisted(self, server: ServerId, address: str) -> None:
        entry = self.listed.pop((server, address.lower()), None)
        if entry is not None:
            was_removed = done(self.suppressions.remove(server, entry))
            # Whether it tells of one that is over depends on when that was removed.
            assert was_removed or entry.keep_until <= self.now

    @rule(pairs=st.lists(st.tuples(SERVERS, ADDRESSES), max_size=4))
    def recipients_are_looked_up(self, pairs: list[tuple[ServerId, str]]) -> None:
        expected = {
            Asked(server, OrganizationId(server), address, "news"): entry
            for server, address in pairs
            if (entry := self.listed.get((server, address.lower()))) is not None
            and entry.keep_until > self.now
        }
        asked = [
            Asked(server, OrganizationId(server), address, "news") for server, address in pairs
        ]
        assert done(self.suppressions.listed(asked, self.now)) == expected

    @rule(server=SERVERS, count=st.integers(1, 3))
    def places_are_taken(self, server: ServerId, count: int) -> None:
        limit = limit_of(server)
        took = done(self.limits.take([limit], count, self.now))
        has_room = self.last_hour(server) + count <= limit.most
        assert (took.full is None) == has_room
        if has_room:
            self.sent[server, self.now // 60] += count
        ((usage),) = done(self.limits.usages([limit], self.now))
        assert usage.used == self.last_hour(server)

    @rule(server=SERVERS)
    def one_was_not_sent(self, server: ServerId) -> None:
        if self.sent[server, self.now // 60]:
            self.sent[server, self.now // 60] -= 1
            done(self.limits.give_back([limit_of(server)], 1, self.now))

    def last_hour(self, server: ServerId) -> int:
        minute = self.now // 60
        return sum(self.sent[server, one] for one in range(minute - 60, minute + 1))

    @rule(server=SERVERS, key=WORDS, fingerprint=WORDS)
    def a_request_begins(self, server: ServerId, key: str, fingerprint: str) -> None:
        found = done(self.answers.begin(server, key, fingerprint, self.now))
        known, started_at, status, body = self.first.get((server, key), ("", -DAY, None, ""))
        if started_at + DAY > self.now:
            if known != fingerprint:
                assert found == IdempotencyClaim(Claimed.OTHER_BODY)
                return
            if status is not None:
                assert found == IdempotencyClaim(Claimed.REPLAY, status, body)
                return
            if started_at + OPEN_SECONDS > self.now:
                assert found == IdempotencyClaim(Claimed.IN_FLIGHT)
                return
        assert found == IdempotencyClaim(Claimed.STARTED)
        self.first[server, key] = [fingerprint, self.now, None, ""]

    @rule(server=SERVERS, key=WORDS, status=st.sampled_from((200, 422)), body=WORDS)
    def a_request_ends(self, server: ServerId, key: str, status: int, body: str) -> None:
        done(self.answers.complete(server, key, status, body))
        answer = self.first.get((server, key))
        if answer and answer[2] is None:
            answer[2:] = [status, body]

    @rule(server=SERVERS, key=WORDS)
    def a_request_is_given_up(self, server: ServerId, key: str) -> None:
        done(self.answers.abandon(server, key))
        if self.first.get((server, key), (0, 0, 0))[2] is None:
            del self.first[server, key]

    @rule(server=SERVERS, message=MESSAGES, links=st.lists(WORDS, max_size=3), ahead=SECONDS_AHEAD)
    def links_are_kept(
        self, server: ServerId, message: MessageId, links: list[str], ahead: int
    ) -> None:
        done(self.engagement.keep_links(server, message, links, self.now + ahead))
        self.links[server, message] = (links, self.now + ahead)

    @rule(server=SERVERS, message=MESSAGES, number=st.integers(0, 4))
    def a_link_is_followed(self, server: ServerId, message: MessageId, number: int) -> None:
        links, keep_until = self.links.get((server, message), ([], 0))
        expected = ["", *links][number : number + 1] if keep_until > self.now and number else []
        try:
            assert [done(self.engagement.link(server, message, number))] == expected
        except NotFound:
            assert expected == []

    @rule(server=SERVERS, message=MESSAGES, url=st.sampled_from(("", "a")), ahead=SECONDS_AHEAD)
    def a_message_is_hit(self, server: ServerId, message: MessageId, url: str, ahead: int) -> None:
        kind = EngagementKind.CLICK if url else EngagementKind.OPEN
        hit = EngagementEvent(kind, float(self.now), "192.0.2.1", "agent", url)
        done(self.engagement.record(server, message, hit, self.now + ahead))
        self.hits.setdefault((server, message), []).append((hit, self.now + ahead))

    @rule(server=SERVERS, message=MESSAGES, most=st.integers(1, 4))
    def hits_are_listed(self, server: ServerId, message: MessageId, most: int) -> None:
        kept = [hit for hit, until in self.hits.get((server, message), []) if until > self.now]
        assert done(self.engagement.hits(server, message, most)) == tuple(kept[-most:])

    @rule(
        server=SERVERS,
        period=PERIODS,
        source=WORDS,
        additions=st.lists(
            st.tuples(st.integers(1, 120), st.sampled_from(tuple(Count))), min_size=1, max_size=4
        ),
    )
    def mail_is_counted(
        self, server: ServerId, period: Period, source: str, additions: list[tuple[int, Count]]
    ) -> None:
        slot = Slot(server, period, self.now // SECONDS[period] * SECONDS[period])
        in_order = sorted(dict(additions).items())
        told = [Addition(str(number), {count: number}) for number, count in in_order]
        done(self.statistics.add(source, slot, told))
        last, counts = self.counted.get((slot, source), (0, Counter()))
        for number, count in in_order:
            if number > last:
                counts[count] += number
                last = number
        self.counted[slot, source] = (last, counts)

    @rule(server=SERVERS, period=PERIODS, back=SECONDS_AHEAD)
    def counters_are_read(self, server: ServerId, period: Period, back: int) -> None:
        first, expected = self.now - back, dict[int, Counter[Count]]()
        for (slot, _), (_, counts) in self.counted.items():
            is_kept = slot.keep_until is None or slot.keep_until > self.now
            if (slot.server, slot.period) == (server, period) and is_kept and slot.start >= first:
                expected[slot.start] = expected.get(slot.start, Counter()) + counts
        found = done(self.statistics.read(server, period, first, self.now))
        assert found == sorted(expected.items())


SmallStores.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_small_stores_agree_with_a_model = SmallStores.TestCase
