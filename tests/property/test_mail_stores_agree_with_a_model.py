"""Messages on SQLite answer as a dictionary of records would, whatever is asked of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import LONGEST_WAIT
from chalicelib.adapters.storage.listing import (
    NEWEST_KEPT,
    counts_against_recipient,
    due_at,
)
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.errors import NotFound
from chalicelib.domain.flags import FLAGS, flag_of
from chalicelib.domain.model import (
    Delivery,
    DeliveryJob,
    Message,
    MessageRecord,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from tests.at_once import done
from tests.fakes import NOW, a_delivery, a_message

Key = tuple[int, int]
LEASE = 100
SERVERS = st.sampled_from((ServerId(1), ServerId(2)))
NUMBERS = st.sampled_from((1, 2, 2**31 - 1))
TOKENS = st.sampled_from(("one", "other"))
SCOPES = st.sampled_from(tuple(Scope))
OUTCOMES = st.sampled_from((Status.SENT, Status.SOFT_FAIL, Status.HARD_FAIL, Status.HELD))
STEPS = st.sampled_from((1, 50, LEASE, LONGEST_WAIT, 2 * LONGEST_WAIT))
WAITS = st.sampled_from((0, 60, 2 * LONGEST_WAIT))


def messages() -> st.SearchStrategy[Message]:
    """A few ids, so that they meet; recipients that differ in case alone."""
    return st.builds(
        lambda server, number, token, scope, recipient: a_message(
            server, number, token=token, scope=scope, rcpt_to=recipient, message_id="m", **SAME
        ),
        SERVERS,
        NUMBERS,
        TOKENS,
        SCOPES,
        st.sampled_from(("John@example.com", "john@Example.com", "jane@example.com")),
    )


# Of one token there is one message.
_MESSAGE = a_message(ServerId(1), 1)
SAME: dict[str, Any] = {"blob": _MESSAGE.blob, "origin": _MESSAGE.origin}


class MailStores(RuleBasedStateMachine):
    """Each rule asks the stores and the model alike."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ControlledClock(NOW, self_moving=False)
        program = Posthorn(Settings(), "sqlite", {Clock: self.clock})
        self.store = program[MessageStore]
        self.records: dict[Key, MessageRecord] = {}
        self.due: dict[Key, int | None] = {}
        self.seen: list[MessageRecord] = []
        self.deliveries = 0

    @property
    def now(self) -> int:
        return int(self.clock.now())

    def put(self, key: Key, record: MessageRecord) -> None:
        """Keep a record as every store shall show it."""
        self.due[key] = due_at(record)
        waits = record.state is State.WAITING and self.due[key] is not None
        taken_over = record.taken_over and record.state is State.LEASED
        self.records[key] = replace(record, by_sweeper=waits, taken_over=taken_over)

    def shown(self, key: Key) -> MessageRecord:
        """The record with its newest deliveries."""
        record = self.records[key]
        return replace(record, deliveries=record.deliveries[-NEWEST_KEPT:])

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(batch=st.lists(messages(), max_size=3))
    def messages_are_created(self, batch: list[Message]) -> None:
        expected = []
        for message in batch:
            key = message.server_id, message.id
            if key not in self.records:
                self.put(key, MessageRecord(message))
            expected.append(self.records[key].message.token == message.token)
        assert done(self.store.create(batch)) == expected

    @rule(message=messages(), ahead=st.sampled_from((0, 0, 0, 1)), owner=st.sampled_from("ab"))
    def a_message_is_claimed(self, message: Message, ahead: int, owner: str) -> None:
        key = message.server_id, message.id
        attempt = ahead + (self.records[key].attempt if key in self.records else 0)
        found = done(
            self.store.claim(DeliveryJob(message, attempt), owner, self.now, self.now + LEASE)
        )
        if key not in self.records:
            self.put(key, MessageRecord(message, attempt=attempt))
        known = self.records[key]
        is_free = known.state is State.WAITING or (
            known.state is State.LEASED and known.lease_until <= self.now
        )
        if known.message.token == message.token and known.attempt == attempt and is_free:
            leased = replace(
                known,
                state=State.LEASED,
                taken_over=known.state is State.LEASED,
                lease_owner=owner,
                lease_until=self.now + LEASE,
            )
            self.put(key, leased)
            self.seen.append(self.shown(key))
            # Of one token there is one message; a claim keeps the one that it was asked about.
            assert found == replace(self.shown(key), message=message)
            return
        assert isinstance(found, ClaimRefused)
        assert found.record == self.shown(key)
        if known.message.token != message.token:
            assert found.reason is ClaimFailure.COLLISION
        else:
            is_held_by_one = known.attempt == attempt and known.state is State.LEASED
            expected = ClaimFailure.LEASED if is_held_by_one else ClaimFailure.STALE
            assert found.reason is expected

    @rule(data=st.data(), status=OUTCOMES, wait=WAITS, about_us=st.booleans())
    def an_attempt_ends(
        self, data: st.DataObject, status: Status, wait: int, about_us: bool
    ) -> None:
        if not self.seen:
            return
        before = data.draw(st.sampled_from(self.seen))
        self.deliveries += 1
        made = a_delivery(self.deliveries, status, about_us=about_us)
        after = self.outcome(before, made, status, wait)
        key = before.message.server_id, before.message.id
        known = self.records[key]
        same = (known.attempt, known.state, known.lease_owner) == (
            before.attempt,
            before.state,
            before.lease_owner,
        )
        assert done(self.store.replace(before, after)) == same
        if same:
            log = (*known.deliveries, made)
            self.put(key, replace(after, message=known.message, deliveries=log))
            self.seen.append(self.shown(key))

    def outcome(
        self, before: MessageRecord, made: Delivery, status: Status, wait: int
    ) -> MessageRecord:
        if status is Status.SOFT_FAIL:
            moved = lifecycle.waiting(before, made, self.now + wait)
            after = replace(moved, by_sweeper=wait > LONGEST_WAIT)
        elif status is Status.HELD:
            after = lifecycle.held(before, made, self.now + wait)
        else:
            after = lifecycle.done(before, made)
        return replace(after, status=status)

    @rule(data=st.data())
    def one_waits_for_the_sweeper_no_longer(self, data: st.DataObject) -> None:
        if not self.seen:
            return
        record = data.draw(st.sampled_from(self.seen))
        key = record.message.server_id, record.message.id
        same = self.records[key].attempt == record.attempt
        assert done(self.store.clear_due(record)) == same
        if same:
            self.due[key] = None
            self.records[key] = replace(self.records[key], by_sweeper=False)

    @rule(server=SERVERS, number=NUMBERS, scope=st.none() | SCOPES)
    def one_is_read(self, server: ServerId, number: int, scope: Scope | None) -> None:
        known = self.records.get((server, number))
        is_there = known is not None and scope in (None, known.message.scope)
        log = done(self.store.deliveries(server, MessageId(number), scope))
        assert log == (known.deliveries if known and is_there else ())
        try:
            found = done(self.store.get(server, MessageId(number), scope))
        except NotFound:
            assert not is_there
        else:
            assert found == self.shown((server, number))

    @rule(server=SERVERS, scope=SCOPES, limit=st.integers(1, 3))
    def lists_are_read(self, server: ServerId, scope: Scope, limit: int) -> None:
        mine = {key: one for key, one in self.records.items() if key[0] == server}
        of_scope = {key for key, one in mine.items() if one.message.scope is scope}
        self.pages(of_scope, lambda cursor: self.store.page(server, scope, limit, cursor))
        for flag in FLAGS:
            flagged = {key for key in of_scope if flag_of(mine[key]) == flag}
            self.pages(
                flagged,
                lambda cursor, flag=flag: self.store.flagged(server, scope, flag, limit, cursor),
            )
        wanted = "JOHN@example.com"
        his = {key for key, one in mine.items() if one.message.rcpt_to.lower() == wanted.lower()}
        self.pages(his, lambda cursor: self.store.by_recipient(server, wanted, limit, cursor))
        against = sum(counts_against_recipient(mine[key]) for key in his)
        assert done(self.store.hard_fails(server, wanted, NOW)) == against
        assert done(self.store.hard_fails(server, wanted, NOW + 1)) == 0

    def pages(self, keys: set[Key], ask: Any) -> None:
        """The list, page by page, has these, newest first."""
        found, cursor = [], None
        while True:
            page = done(ask(cursor))
            found += page.values
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == [self.shown(key) for key in sorted(keys, reverse=True)]

    @invariant()
    def what_is_due_is_told(self) -> None:
        found = done(self.store.due(self.now, 10))
        expected = {
            key: due for key, due in self.due.items() if due is not None and due <= self.now
        }
        keys = [(one.message.server_id, one.message.id) for one in found]
        assert sorted(keys) == sorted(expected)
        assert [expected[key] for key in keys] == sorted(expected.values())
        assert found == [self.shown(key) for key in keys]


MailStores.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_mail_stores_agree_with_a_model = MailStores.TestCase
