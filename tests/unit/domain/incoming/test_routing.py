"""Which route takes a message: names and patterns, their order, and conditions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.incoming.routing import (
    MOST_READ,
    Described,
    chosen,
    looked_at,
    matches,
    routes_for,
)
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.routes import RETURN_PATH, Condition, Route
from tests.growth import assert_linear

ROUTE = Route("r", ServerId(1), "u", 1, "support", "acme.test", "abcdefgh", 0)
PLAIN = Described("john@example.com", "Your Invoice 7", (("X-Loop", "a"), ("x-loop", "b")))


def a_route(number: int, name: str, priority: int = 100, **conditions: str) -> Route:
    asked = tuple(Condition(field, text) for field, text in conditions.items())
    return replace(
        ROUTE, id=f"r{number}", number=number, name=name, priority=priority, conditions=asked
    )


def ids(routes: list[Route]) -> list[str]:
    return [one.id for one in routes]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("support", "support", True),
        ("support", "SUPPORT", True),
        ("support", "support2", False),
        ("*", "", True),
        ("*", "anything", True),
        ("support-*", "support-", True),
        ("support-*", "support", False),
        ("*-in", "all-in", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("a*a", "a", False),
        ("*b*b*", "b", False),
        ("***", "", True),
        ("a**b", "ab", True),
        ("*invoice*", "Your Invoice 7", True),
        ("straße", "STRASSE", True),
        ("a.c", "abc", False),
        ("[ab]?", "a?", False),
        ("", "", True),
        ("", "a", False),
        ("a*c", "a\nb\r\nc", True),
    ],
)
def test_a_star_is_any_run_and_case_does_not_count(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_lowest_priority_then_exact_then_pattern_then_any_then_oldest() -> None:
    routes = [
        a_route(1, "*"),
        a_route(2, "sup*"),
        a_route(3, "*port"),
        a_route(4, "support"),
        a_route(5, "*", priority=0),
        a_route(6, "support", priority=1000),
        a_route(7, "sales"),
    ]
    assert ids(routes_for(routes, "support")) == ["r5", "r4", "r2", "r3", "r1", "r6"]


def test_a_tag_begins_at_the_first_plus_and_never_counts() -> None:
    routes = [a_route(1, "support"), a_route(2, "*42")]
    assert ids(routes_for(routes, "Support+42")) == ["r1"]
    assert ids(routes_for(routes, "support+a+b")) == ["r1"]
    assert ids(routes_for([a_route(1, "*")], "+x")) == ["r1"]


def test_the_route_of_a_return_path_takes_no_recipient_of_a_domain() -> None:
    assert routes_for([a_route(1, RETURN_PATH)], RETURN_PATH) == []


def test_all_conditions_must_hold() -> None:
    both = a_route(1, "*", subject="*invoice*", **{"from": "*@example.com"})
    other = a_route(2, "*", subject="*invoice*", **{"from": "*@example.org"})
    assert chosen([other, both], PLAIN) == both
    assert chosen([other], PLAIN) is None


def test_any_field_of_a_name_may_be_the_one_that_fits() -> None:
    assert chosen([a_route(1, "*", **{"header:X-LOOP": "b"})], PLAIN) is not None
    assert chosen([a_route(1, "*", **{"header:X-LOOP": "c"})], PLAIN) is None


def test_a_field_that_is_not_there_fits_nothing_and_an_empty_sender_is_there() -> None:
    assert chosen([a_route(1, "*", **{"header:X-Other": "*"})], PLAIN) is None
    assert chosen([a_route(1, "*", **{"from": ""})], replace(PLAIN, mail_from="")) is not None
    assert chosen([a_route(1, "*", subject="*")], replace(PLAIN, subject="")) is not None


def test_each_route_is_told_until_one_is_chosen() -> None:
    routes = [
        a_route(1, "sales"),
        a_route(2, "support", subject="no"),
        a_route(3, "supp*"),
        a_route(4, "*"),
    ]
    found = [(one.route.id, one.result.value) for one in looked_at(routes, "support+1", PLAIN)]
    assert found == [("r1", "name"), ("r2", "condition"), ("r3", "chosen")]


@pytest.mark.parametrize("letters", ["a", "ab", "*"])
def test_many_stars_take_time_in_proportion_to_the_text(letters: str) -> None:
    pattern = f"{letters}*" * 60 + "no"

    def run(size: int) -> None:
        matches(pattern, letters * (size // len(letters)) + "nO!")

    assert_linear(run, 1 << 18, 1 << 20)


def test_a_thousand_routes_with_ten_conditions_read_a_bounded_part_of_a_message() -> None:
    """Whatever a stranger sends, the work is bounded by what the conditions may read."""
    subject = "a" * MOST_READ + "needle"
    assert chosen([a_route(1, "*", subject="*needle*")], replace(PLAIN, subject=subject)) is None
    headers = [("X-A", "b" * 1000)] * 1000 + [("X-A", "needle")]
    asked = a_route(1, "*", **{"header:X-A": "needle"})
    assert chosen([asked], replace(PLAIN, headers=headers)) is None
