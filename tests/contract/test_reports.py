"""Reports: stored once for a pair of messages, listed newest first, found by number and by message."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.report import Report, ReportFilter, ReportKind
from chalicelib.ports.reports import Reports
from tests.contract.conftest import World
from tests.fakes import NOW, a_report, a_server_id

ONE, TWO = MessageId(1), MessageId(2)


async def added(world: World, number: int, **changes: Any) -> Report:
    email = MessageId(changes.pop("email", 1))
    report = a_report(number, email, MessageId(100 + number), NOW + number, **changes)
    assert await world[Reports].add(world.server, report) == report
    return report


async def test_a_report_is_found_by_its_number(world: World) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("recipient", "cause", "action", "status", "diagnostic", "remote_mta")
    )
    bounce = await added(world, 1, diagnostic="smtp; 550 Ünknown \N{PILE OF POO}")
    answer = await added(world, 2, kind=ReportKind.AUTO_REPLY, suppressed=False, **nothing)
    for report in (bounce, answer):
        assert await world[Reports].get(world.server, report.id) == report
    for server, number in ((world.server, 3), (a_server_id(), 1)):
        with pytest.raises(NotFound):
            await world[Reports].get(server, number)


async def test_one_that_comes_again_is_the_first(world: World) -> None:
    first = a_report(1, ONE, TWO)
    assert await world[Reports].add(world.server, first) == first
    again = a_report(2, ONE, TWO, NOW + 9, cause="spam")
    assert await world[Reports].add(world.server, again) == first
    assert (await world[Reports].page(world.server, ReportFilter(), 10)).values == (first,)
    elsewhere = a_server_id()
    assert await world[Reports].add(elsewhere, again) == again


async def test_those_of_a_message_are_listed_oldest_first(world: World) -> None:
    reports = [await added(world, number, email=1 + number % 2) for number in range(1, 6)]
    assert await world[Reports].of(world.server, ONE) == (reports[1], reports[3])
    assert await world[Reports].of(world.server, TWO) == (reports[0], reports[2], reports[4])
    assert await world[Reports].of(world.server, MessageId(3)) == ()


async def test_pages_are_newest_first_and_narrowed(world: World) -> None:
    kinds = [ReportKind.BOUNCE, ReportKind.DELAY, ReportKind.COMPLAINT]
    reports = [
        await added(world, number, kind=kinds[number % 3], cause="spam" if number > 6 else None)
        for number in range(1, 10)
    ]
    for wanted in (
        ReportFilter(),
        ReportFilter(kind=ReportKind.DELAY),
        ReportFilter(cause="spam"),
        ReportFilter(cause="spam", kind=ReportKind.BOUNCE),
        ReportFilter(email=ONE),
        ReportFilter(email=TWO),
        ReportFilter(since=NOW + 3, until=NOW + 6),
        ReportFilter(email=ONE, kind=ReportKind.COMPLAINT, since=NOW + 4),
    ):
        found: list[Report] = []
        cursor = None
        while True:
            page = await world[Reports].page(world.server, wanted, 2, cursor)
            assert len(page.values) <= 2
            found += page.values
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == [one for one in reversed(reports) if wanted.passes(one)]


async def test_a_cursor_is_of_one_server(world: World) -> None:
    for number in range(1, 4):
        await added(world, number)
    page = await world[Reports].page(world.server, ReportFilter(), 1)
    with pytest.raises(Rejected):
        await world[Reports].page(a_server_id(), ReportFilter(), 1, page.next_cursor)
