"""How far one page of a search looks, and what it says of it."""

from __future__ import annotations

import pytest

from chalicelib.bootstrap import Posthorn, in_memory
from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import findable_of
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.messages import MessageStore
from chalicelib.services.messages import find, search_index
from chalicelib.services.messages.find import FindMail
from chalicelib.services.messages.found import FoundPage
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.messages.names import NamesInSearches
from tests.fakes import NOW, a_message
from tests.memory_mail_index import MemoryMailIndex

SERVER = ServerId(1)
MANY = 60


@pytest.fixture
def program() -> Posthorn:
    return in_memory()


@pytest.fixture
def index() -> MemoryMailIndex:
    return MemoryMailIndex()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten are looked at live, and twenty candidates of the index are read for a page, five at a time."""
    monkeypatch.setattr(search_index, "NEWEST", 10)
    monkeypatch.setattr(search_index, "MOST_LISTED", 5)
    monkeypatch.setattr(search_index, "MOST_READ", 20)
    monkeypatch.setattr(search_index, "AT_ONCE", 5)


async def fill(program: Posthorn, index: MemoryMailIndex) -> None:
    """Message 1 is the oldest; of the newest five the index does not know."""
    messages = [
        a_message(
            SERVER, number, size=number, received_at=NOW + float(number), rcpt_to="a@b.example"
        )
        for number in range(1, MANY + 1)
    ]
    assert all(await program[MessageStore].create(messages))
    refs = [(SERVER, MessageId(number)) for number in range(1, MANY - 4)]
    records = await program[MessageStore].get_many(refs)
    await index.put([findable_of(one) for one in records])


def finder(program: Posthorn, index: MemoryMailIndex) -> FindMail:
    return FindMail(program[MessageStore], program[MessageHistory], index, program[NamesInSearches])


class Pages:
    """The pages of one search."""

    def __init__(
        self, program: Posthorn, index: MemoryMailIndex, text: str, limit: int = 3
    ) -> None:
        self._find = finder(program, index)
        self._wanted = MailFilter(Scope.OUTGOING, query=parse_query(text, NOW))
        self._limit = limit
        self.read: list[FoundPage] = []

    async def all(self) -> list[int]:
        """The numbers of all that is found."""
        position = None
        while True:
            page = await self._find.page(SERVER, self._wanted, self._limit, position)
            self.read.append(page)
            if (position := page.position) is None:
                return [one.message.id for read in self.read for one in read.records]


async def test_the_newest_are_found_that_the_index_does_not_know(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    pages = Pages(program, index, "order")
    assert await pages.all() == list(range(MANY, 0, -1))
    backwards = Pages(program, index, "order order:oldest-first", limit=7)
    assert await backwards.all() == list(range(1, MANY + 1))


async def test_the_index_is_not_asked_while_the_newest_fill_the_page(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    find_mail = finder(program, index)
    wanted = MailFilter(Scope.OUTGOING, query=parse_query("order", NOW))
    page = await find_mail.page(SERVER, wanted, 10)
    assert [one.message.id for one in page.records] == list(range(MANY, MANY - 10, -1))
    assert index.asked == 0


async def test_a_page_ends_when_enough_was_read_and_says_how_far(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    pages = Pages(program, index, "size:2")
    assert await pages.all() == [2]
    reached = [one.searched_to for one in pages.read]
    # A first look of the page's size, then five at a time until twenty or more were read.
    assert reached == [NOW + 28.0, NOW + 5.0, None]
    assert [len(one.records) for one in pages.read] == [0, 0, 1]


async def test_a_page_ends_where_the_index_ends_its_look(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    index.most_looked_at = 15
    pages = Pages(program, index, "-order status:held")
    assert await pages.all() == []
    assert [one.searched_to for one in pages.read] == [NOW + 36.0, NOW + 21.0, NOW + 6.0, None]


async def test_a_full_page_says_nothing_of_how_far(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    pages = Pages(program, index, "size:>1", limit=4)
    assert len(await pages.all()) == MANY - 1
    assert {one.searched_to for one in pages.read} == {None}


async def test_what_is_gone_is_not_found_whatever_the_index_knows(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    stray = a_message(SERVER, 1_000, subject="Your order")
    other = in_memory()
    await other[MessageStore].create([stray])
    (record,) = await other[MessageStore].get_many([(SERVER, MessageId(1_000))])
    await index.put([findable_of(record)])
    pages = Pages(program, index, "order", limit=100)
    assert await pages.all() == list(range(MANY, 0, -1))


async def test_a_recipient_is_looked_for_live_and_so_far(
    program: Posthorn, index: MemoryMailIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(program, index)
    monkeypatch.setattr(find, "MOST_OF_RECIPIENT", 30)
    wanted = MailFilter(Scope.INCOMING, query=parse_query("to:A@B.example", NOW))
    find_mail = finder(program, index)
    page = await find_mail.page(SERVER, wanted, 10)
    assert (page.records, page.searched_to) == ((), NOW + 31.0)
    page = await find_mail.page(SERVER, wanted, 10, page.position)
    assert (page.records, page.position) == ((), None)
    assert index.asked == 0
    pages = Pages(program, index, "to:A@B.example", limit=7)
    assert await pages.all() == list(range(MANY, 0, -1))


async def test_few_that_are_named_come_in_pages_too(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    await fill(program, index)
    named = "id:1 id:3 id:5 id:7 id:0 id:99"
    assert await Pages(program, index, named).all() == [7, 5, 3, 1]
    assert await Pages(program, index, f"{named} order:oldest-first").all() == [1, 3, 5, 7]
    assert index.asked == 0


@pytest.mark.parametrize("text", ["", "order", "id:1", "to:a@b.example"])
@pytest.mark.parametrize(
    "position", ["", "x", "n", "nx", "i-1", "list", "listx:1", "list9:", "list:"]
)
async def test_a_position_of_another_list_is_refused(
    program: Posthorn, index: MemoryMailIndex, text: str, position: str
) -> None:
    wanted = MailFilter(Scope.OUTGOING, query=parse_query(text, NOW))
    with pytest.raises(Rejected):
        await finder(program, index).page(SERVER, wanted, 10, position)


async def test_a_list_that_is_not_there_is_refused(
    program: Posthorn, index: MemoryMailIndex
) -> None:
    with pytest.raises(Rejected):
        await finder(program, index).page(SERVER, MailFilter(), 10, "list9:")
