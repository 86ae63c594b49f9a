"""A family is given up for another that is known to be good, and for nothing else."""

from __future__ import annotations

import pytest

from chalicelib.domain.outgoing.reverse_names import (
    Verdict,
    is_among,
    is_seen,
    unused,
    version_of,
)

GOOD, BAD, UNTOLD, UNSEEN = Verdict
BOTH = {4: "", 6: ""}
NOT4, NOT6 = {4: "old", 6: ""}, {4: "", 6: "old"}


@pytest.mark.parametrize(
    ("before", "four", "six", "after"),
    [
        (BOTH, GOOD, GOOD, BOTH),
        (BOTH, GOOD, BAD, {4: "", 6: "bad6"}),
        (BOTH, BAD, GOOD, {4: "bad4", 6: ""}),
        (BOTH, BAD, BAD, BOTH),
        (NOT6, BAD, BAD, BOTH),
        (NOT4, BAD, BAD, BOTH),
        (NOT6, GOOD, GOOD, BOTH),
        (NOT4, GOOD, GOOD, BOTH),
        (NOT6, BAD, GOOD, {4: "bad4", 6: ""}),
    ],
)
def test_firm_answers_decide(
    before: dict[int, str], four: Verdict, six: Verdict, after: dict[int, str]
) -> None:
    assert unused(before, {4: (four, "bad4"), 6: (six, "bad6")}) == after


@pytest.mark.parametrize(
    ("before", "four", "six", "after"),
    [
        (BOTH, UNTOLD, UNTOLD, BOTH),
        (NOT6, UNTOLD, UNTOLD, NOT6),
        (NOT4, UNTOLD, UNTOLD, NOT4),
        (BOTH, UNTOLD, BAD, BOTH),
        (BOTH, BAD, UNTOLD, BOTH),
        (NOT6, UNTOLD, BAD, {4: "", 6: "bad6"}),
        (NOT6, GOOD, UNTOLD, NOT6),
        (NOT4, UNTOLD, GOOD, NOT4),
        (NOT6, UNTOLD, GOOD, BOTH),
        (NOT4, UNTOLD, BAD, BOTH),  # or mail would stand still
    ],
)
def test_what_is_not_told_stays_as_it_was(
    before: dict[int, str], four: Verdict, six: Verdict, after: dict[int, str]
) -> None:
    assert unused(before, {4: (four, "bad4"), 6: (six, "bad6")}) == after


@pytest.mark.parametrize(
    ("known", "after"),
    [
        ({}, BOTH),
        ({4: (BAD, "bad4")}, BOTH),
        ({6: (BAD, "bad6")}, BOTH),
        ({6: (UNTOLD, "")}, BOTH),
        ({4: (UNSEEN, ""), 6: (BAD, "bad6")}, {4: "", 6: "bad6"}),
        ({4: (BAD, "bad4"), 6: (UNSEEN, "")}, BOTH),
        ({4: (UNSEEN, ""), 6: (UNSEEN, "")}, BOTH),
    ],
)
def test_the_last_way_out_is_never_given_up(
    known: dict[int, tuple[Verdict, str]], after: dict[int, str]
) -> None:
    for before in (BOTH, NOT4, NOT6):
        assert unused(before, known) == after


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("192.0.2.1", True),
        ("8.8.8.8", True),
        ("2001:db8::1", True),
        ("10.1.2.3", False),
        ("172.31.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("::", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("fe80::1", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_addresses_that_nobody_outside_sees_have_no_public_name(address: str, seen: bool) -> None:
    assert is_seen(address) is seen


def test_an_address_is_the_same_however_it_is_written() -> None:
    assert is_among("2001:db8::1", ("192.0.2.1", "2001:DB8:0:0::1"))
    assert not is_among("192.0.2.1", ("192.0.2.10", "nonsense"))
    assert not is_among("192.0.2.1", ())
    assert (version_of("192.0.2.1"), version_of("2001:db8::1")) == (4, 6)
