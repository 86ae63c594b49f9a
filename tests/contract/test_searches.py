"""What each search finds in a server full of mail, of which the index was told by the changes that the store tells: the
same on every engine, whatever the size of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.model import DeliveryJob, MessageRecord, Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import Query
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.messages import search_index
from chalicelib.services.messages.find import FindMail
from tests.contract.conftest import World
from tests.contract.test_events_are_published import Told
from tests.fakes import NOW, a_delivery, a_server_id
from tests.searched_mail import NAMES, fill

EVERYTHING = " ".join(NAMES)
INCOMING = "question junk spam report waiting replayed"

# A search, and the names of what it finds, in any order.
TABLE = f"""
| {EVERYTHING}
* | {EVERYTHING}
hello | hello failed bounced cancelled
HELLO welcome | hello
hel* | hello failed bounced cancelled
"welcome aboard" | hello
"aboard welcome" |
order | order7 order17 question retried again waiting
"order 7" | order7 question waiting
order 7 -urgent | order7 question
subject:"your ord*" | order7 order17 question
subject:order subject:hello | order7 order17 question retried again waiting hello failed bounced cancelled
№17 | order17
17 |
no17 | order17
o'brien | obrien
brien | obrien
résumé | resume
resume | plain
re* | resume plain held limited question retried
STRASSENFEST | german
strassenfest grüsse | german
grusse |
οδυσσεύς |
οδυσσευσ | greek
заказ | cyrillic
Подтвердил |
ПОДТВЕРЖ* | cyrillic
подтвер* | cyrillic
订单 | chinese
订 单 | chinese chinese2
单订 |
您的订单* | chinese
カタカナ | japanese
テスト | japanese
สวัสดี | thai
ครับ | thai
주문이 | korean
주문 |
주문* | korean
بالعالم | arabic
नमस्ते | hindi
final offer viii | ligature
ﬁnal | ligature
subject:[blank] | empty
subject:* -subject:[blank] status:bounced | bounced
bob@example.com | old hello
to:BOB@example.com | old hello
to:bob@bücher.example | german
to:bob@* | old hello german
to:*@example.com | old hello
to:*@example.net | obrien again queued
to:postmaster | empty
to:nobody@example.com |
*@sender.example | question junk spam waiting replayed
from:*@sender.example -spam:yes | question waiting replayed
from:john@sender.example from:[blank] | {INCOMING}
from:[blank] | report
from:app@acme.example to:eve@example.net | again queued
domain:example.net | obrien again queued
domain:bücher.example | german
domain:acme.* | {INCOMING}
domain:[blank] | empty
status:held | held limited junk
status: Held tag:report | held
status:hardfail | failed
status:bounced status:hardfail | failed bounced
status:holdcancelled | cancelled
status:processed | report
status:softfail | retried again waiting
status:pending | later queued
status:scheduled | later
status:queued | retried again queued waiting
status:error |
-status:sent | failed bounced cancelled held limited retried again later queued junk report waiting
before:2026-01-01 | old
before:30d | old hello
before: 2026-01-01 12:00 | old
after:3d before:2d | news2 failed bounced cancelled report
after:"2 hours ago" | again later queued
after:1h | later queued
before:99999d |
msgid:plain-1@acme.example | plain
msgid:<PLAIN-1@acme.example> | plain
msgid:plain-* | plain
msgid:q7@sender.example | question
id:1 | old
id:1 id:2 | old hello
id:1 hello |
id:1 tag:x |
id:2147483648 |
id:999 |
tag:welcome | hello
tag:WELCOME tag:invoice | hello obrien
tag:news-* | news news2
tag:*-06 | news2
tag:n*0*5 | news
tag:résumé | resume
tag:[blank] stream:transactional after:3d | failed bounced cancelled limited again later queued
-tag:[blank] | hello obrien resume plain news news2 held retried
stream:broadcast | news news2
stream:[blank] | {INCOMING}
credential:crnewsletter | news news2 retried
credential:crnews* -status:sent | retried
route:rtsupport | question junk spam report waiting
route:rtsales | replayed
endpoint:epcrm status:held | junk
meta.order:7 | order7
meta.ORDER:1* | order17
meta.city:köln | order7
meta.city:KO\u0308LN | order7
meta.order:7 meta.city:köln | order7
meta.order:7 meta.order:17 | order7 order17
-meta.order:[blank] | order7 order17
meta.none:7 |
cause:recipient_unknown | failed
cause:mailbox_* | bounced
cause:connection | again waiting
cause:greylisted cause:connection -tag:late | again waiting
wait:retry | retried again waiting
wait:manual | held
wait:send_limit | limited
wait:quarantine | junk
wait:scheduled | later
wait:s* | limited later
wait:* | held limited retried again later queued junk waiting
provider:google tag:welcome | hello
provider:gmx | retried again waiting
pool:bulk | retried
pool:default | held limited again later queued
pool:[blank] | junk waiting
tries:>1 | retried waiting
tries:1 | again
tries:<1 status:queued | queued
tries:>=0 -tries:0 | retried again waiting
age:>1d | held limited junk
age:>1h age:>2d | held limited retried again junk waiting
age:<1h | later queued
spam:yes | junk spam
spam:y -status:held | spam
spam:no from:*@sender.example | question waiting replayed
bounce:yes | report
bounce:no status:processed |
opened:yes | hello news2 order7
opened:yes clicked:no | hello order7
clicked:yes | news2
size:>1mb | order17
size:1kb | order7
size:<2kb | order7
size:>1kb -size:>2kb status:bounced | bounced
order:oldest-first tag:news-* | news news2
-* |
"tag:news-05" |
"newsletter: may" | news
"""


ROWS = [line.rpartition("|")[::2] for line in TABLE.strip("\n").splitlines()]

# What lists choose by beside a search, and what is found.
FILTERED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"scope": Scope.OUTGOING}, "order", "order7 order17 retried again"),
    ({"scope": Scope.INCOMING}, "order", "question waiting"),
    ({"scope": Scope.INCOMING}, "", INCOMING),
    ({"scope": Scope.INCOMING}, "order:oldest-first", INCOMING),
    ({"scope": Scope.OUTGOING}, "msgid:q7@sender.example", "question"),
    ({"scope": Scope.OUTGOING}, "-msgid:q7@sender.example to:*@acme.example", ""),
    ({"scope": Scope.OUTGOING}, "id:1 id:2 id:3 subject:h*", "old hello"),
    ({"scope": Scope.INCOMING}, "id:1", ""),
    ({"scope": Scope.INCOMING}, "to:bob@example.com", ""),
    ({"scope": Scope.INCOMING}, "to:support@acme.example", "question junk report waiting replayed"),
    ({"flag": "held"}, "", "held limited junk"),
    ({"flag": "held"}, "quarterly", "held limited"),
    ({"flag": "held", "scope": Scope.INCOMING}, "win", "junk"),
    ({"flag": "queued"}, "order:oldest-first", "retried again waiting"),
    ({"flag": "queued"}, "-urgent", "retried again"),
    ({"flag": "scheduled"}, "later", "later"),
    ({"flag": "failed"}, "hello", "failed"),
    ({"flag": "bounced"}, "hello", "bounced"),
    ({"recipient": "bob@example.com"}, "", "old hello"),
    ({"recipient": "Bob@Bücher.example"}, "", "german"),
    ({"recipient": "BOB@example.com"}, "welc*", "hello"),
    ({"recipient": "eve@example.net", "flag": "queued"}, "", "again"),
    ({"recipient": "eve@example.net", "scope": Scope.INCOMING}, "", ""),
    ({"recipient": "eve@example.net"}, "order:oldest-first", "again queued"),
)


@dataclass
class Filled:
    """A server with mail in it, each message by its name."""

    world: World
    records: dict[str, MessageRecord]

    async def finds(self, wanted: MailFilter, limit: int) -> list[str]:
        """The names of all that a filter finds, page by page."""
        names = {record.message.id: name for name, record in self.records.items()}
        find, position = self.world[FindMail], None
        shown: list[str] = []
        while True:
            page = await find.page(self.world.server, wanted, limit, position)
            assert len(page.records) <= limit
            shown += [names[one.message.id] for one in page.records]
            if (position := page.position) is None:
                return shown


@pytest.fixture
async def filled(world: World) -> Filled:
    world.server = ServerId(world.server % (1 << 22))  # as tokens hold them
    told = Told(world)
    records = await fill(world, world.server)
    await world[IndexMail].take("a", told.all())
    return Filled(world, records)


def in_order(names: str, query: Query) -> list[str]:
    """Names as a list shows them."""
    wanted = set(names.split())
    assert wanted <= set(NAMES)
    return [one for one in (NAMES if query.is_oldest_first else NAMES[::-1]) if one in wanted]


def test_there_are_enough_of_them() -> None:
    assert len(ROWS) + len(FILTERED) >= 100
    assert len({query for query, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("limit", [2, 100])
async def test_every_search_finds_what_it_is_for(filled: Filled, limit: int) -> None:
    for text, names in ROWS:
        query = parse_query(text.strip(), NOW)
        if not query.clauses and not query.is_oldest_first:
            continue  # a list of each direction after the other
        found = await filled.finds(MailFilter(query=query), limit)
        assert found == in_order(names, query), text


@pytest.mark.parametrize("limit", [2, 100])
async def test_a_search_works_with_what_lists_choose_by(filled: Filled, limit: int) -> None:
    for choice, text, names in FILTERED:
        query = parse_query(text, NOW)
        found = await filled.finds(MailFilter(**choice, query=query), limit)
        expected = in_order(names, query)
        if choice.get("flag") == "held" and not text:  # one direction after the other
            expected.sort(key="junk".__eq__)
        assert found == expected, (choice, text)


async def test_the_older_part_of_a_server_is_found_by_the_index(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "NEWEST", 5)
    monkeypatch.setattr(search_index, "MOST_LISTED", 5)
    for choice, text, names in FILTERED:
        query = parse_query(text, NOW)
        if query.clauses or query.is_oldest_first:
            found = await filled.finds(MailFilter(**choice, query=query), 2)
            assert found == in_order(names, query), (choice, text)
    for limit in (2, 100):
        for text, names in ROWS:
            query = parse_query(text.strip(), NOW)
            if query.clauses or query.is_oldest_first:
                found = await filled.finds(MailFilter(query=query), limit)
                assert found == in_order(names, query), text


async def test_everything_is_found_in_either_order(filled: Filled) -> None:
    listed = await filled.finds(MailFilter(), 7)
    assert sorted(listed) == sorted(NAMES)
    backwards = await filled.finds(MailFilter(query=parse_query("order:oldest-first", NOW)), 7)
    assert backwards == list(NAMES)


async def test_a_message_is_found_by_its_token(filled: Filled) -> None:
    token = filled.records["hello"].message.token
    for text, names in ((token, ["hello"]), (f"{token} token:x", ["hello"]), ("x", [])):
        query = parse_query(f"token:{text}", NOW)
        assert await filled.finds(MailFilter(query=query), 10) == names


async def test_another_server_is_not_searched(filled: Filled) -> None:
    other, token = a_server_id(), filled.records["hello"].message.token
    for text in ("hello", "id:1", f"token:{token}", "to:bob@example.com", "*@example.com", "-x"):
        wanted = MailFilter(query=parse_query(text, NOW))
        page = await filled.world[FindMail].page(other, wanted, 10)
        assert (page.records, page.position) == ((), None), text


async def test_an_index_that_was_told_again_and_late_finds_the_same(filled: Filled) -> None:
    world, told = filled.world, Told(filled.world)
    record = filled.records["queued"]
    job = DeliveryJob(record.message, 0)
    claimed = await world[MessageStore].claim(job, "me", NOW, NOW + 300)
    assert isinstance(claimed, MessageRecord)
    sent = lifecycle.done(claimed, a_delivery(9, at=NOW + 2.0))
    assert await world[MessageStore].replace(claimed, sent)
    changes = told.all()
    for part in (changes, changes, changes[:1]):
        await world[IndexMail].take("a", part)
    query = parse_query("just", NOW)
    found = await world[MailIndex].find(world.server, None, query, 10)
    assert found.messages == (record.message.id,)
    query = parse_query("status:queued order", NOW)
    page = await world[FindMail].page(world.server, MailFilter(query=query), 10)
    assert record.message.id not in [one.message.id for one in page.records]
