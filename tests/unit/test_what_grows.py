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
    """A log that is never taken over, and keys that are no credentials."""
    for name in (
        "kB mail.db-wal",
        "rows mail.db suppressions_of_more",
        "nouns smarthost credential x",
    ):
        assert len(what_grows(year(*range(100, 1_300, 100), name=name))) == 1


def test_half_a_year_says_nothing() -> None:
    assert what_grows(year(1, 100, 10_000)) == []
