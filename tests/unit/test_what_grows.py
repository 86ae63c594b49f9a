"""What the measure of a year takes for growth, and what it does not."""

from __future__ import annotations

from tests.year.flat import what_grows


def year(*sizes: int, name: str = "rows mail.db queue") -> dict[str, dict[str, int]]:
    return {f"2027-{month:02d}": {name: size} for month, size in enumerate(sizes, 1)}


def test_what_came_to_its_size_is_flat() -> None:
    assert what_grows(year(10, 400, 900, 900, 880, 910, 905, 915, 890, 910, 905, 915)) == []


def test_what_goes_on_growing_is_named() -> None:
    (fault,) = what_grows(year(*range(100, 1_300, 100)))
    assert fault == "rows mail.db queue grows: 900 after half a year, 1200 at its end"


def test_what_is_kept_for_longer_may_grow() -> None:
    assert what_grows(year(*range(100, 1_300, 100), name="nouns audit entry")) == []


def test_what_is_named_excuses_nothing_else() -> None:
    """Neither what begins with its name, nor the log of a database that is never written over."""
    for name in ("rows mail.db counters_of_x", "nouns smarthost credential x"):
        assert len(what_grows(year(*range(100, 1_300, 100), name=name))) == 1
    log = "kB mail.db-wal"
    assert what_grows(year(*range(500, 6_500, 500), name=log)) == []
    assert len(what_grows(year(*range(5_000, 65_000, 5_000), name=log))) == 1


def test_half_a_year_says_nothing() -> None:
    assert what_grows(year(1, 100, 10_000)) == []
