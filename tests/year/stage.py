"""A year on an engine: stores of its own, played from the first day to the last, measured each month and judged.

result = await played("files", folder, whole_year(), print)
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from infra.stack import deploy_data
from tests.year.clock import YearClock, moment
from tests.year.dates import Date
from tests.year.home import Home, home_on
from tests.year.one_host import OneHostWork
from tests.year.play import Year
from tests.year.sizes import sizes_of_host, sizes_on_aws
from tests.year.verdict import Verdict, judged

ENGINES = ("files", "aws")
SIZES = "sizes.json"
"""How large all was so far, for whoever looks while it is played."""


@dataclass
class Result:
    """What came of it: sizes by month, sums, and what is wrong."""

    engine: str
    days: int = 0
    seconds: float = 0.0
    crashed: int = 0
    accepted: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    notices: int = 0
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def report(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


async def played(
    engine: str, folder: Path, dates: Iterable[Date], say: Callable[[str], None]
) -> Result:
    """Play these days on an engine whose stores are below the folder."""
    days, begun = list(dates), time.monotonic()
    result = Result(engine, days=sum(not one.is_quiet for one in days))
    async with _moved_in(engine, folder, moment(days[0].day.isoformat())) as year:

        async def measure(name: str) -> None:
            result.sizes[name] = await _sizes(engine, folder, year.home)
            (folder / SIZES).write_text(json.dumps(result.sizes))
            say(
                f"{engine} {name}: {year.home.book.accepted} messages, {time.monotonic() - begun:.0f} s"
            )

        year.each_month = measure
        await year.run(days)
        await year.settle_down()
        async with year.home.open():
            verdict = await judged(year.home)
        _note(result, year, verdict)
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def _note(result: Result, year: Year, verdict: Verdict) -> None:
    book = year.home.book
    result.crashed, result.accepted = year.crashed, book.accepted
    result.sums, result.events = dict(book.year), dict(book.told)
    result.notices = len(book.notices)
    result.faults = verdict.faults


@contextlib.asynccontextmanager
async def _moved_in(engine: str, folder: Path, begin: float) -> AsyncIterator[Year]:
    if engine == "files":
        settings = Settings(state_folder=str(folder / "state"))
        home = home_on("sqlite", settings, folder, YearClock(begin))
        await home.move_in()
        yield Year(home, OneHostWork)
        return
    from tests.year.on_aws import AwsWork, emulator, let_items_end, setting

    with emulator(folder) as (backend, offset), _variables(backend.variables):
        clock = YearClock(begin, lambda now: setting(offset, now))
        settings = Settings(**deploy_data(backend.endpoint, "year"))  # type: ignore[arg-type]
        let_items_end(backend, settings.mail_table, settings.control_table)
        home = home_on("aws", settings, folder, clock)
        session = AwsSession(Meter())
        await home.move_in({AwsSession: session})
        try:
            yield Year(home, AwsWork)
        finally:
            session.close()


@contextlib.contextmanager
def _variables(variables: dict[str, str]) -> Any:
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


async def _sizes(engine: str, folder: Path, home: Home) -> dict[str, int]:
    if engine == "files":
        return sizes_of_host(home.program, folder / "state")
    return await sizes_on_aws(home.program, home.clock.now())
