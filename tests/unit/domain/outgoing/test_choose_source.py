"""The way out is sticky, weighted, and leaves out what does not work."""

from __future__ import annotations

from collections import Counter

from chalicelib.domain.outgoing.choose_source import bound_address, can_reach, choose_source
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource

NOW = 1_000.0
TOKENS = [f"token{number}" for number in range(4_000)]
A, B, C = (
    EgressSource(name, priority=weight) for name, weight in [("a", 100), ("b", 100), ("c", 50)]
)


def shares(*sources: EgressSource) -> Counter[str]:
    chosen = (choose_source(sources, token, NOW) for token in TOKENS)
    return Counter(source.name for source in chosen if source is not None)


def test_the_choice_is_sticky_and_does_not_depend_on_order() -> None:
    for token in TOKENS[:50]:
        assert choose_source([A, B, C], token, NOW) == choose_source([C, B, A], token, NOW + 5)


def test_priority_is_the_weight() -> None:
    found = shares(A, B, C)
    assert abs(found["a"] - 1600) < 150
    assert abs(found["b"] - 1600) < 150
    assert abs(found["c"] - 800) < 150


def test_a_source_that_leaves_moves_only_its_own_share() -> None:
    for token in TOKENS[:500]:
        before = choose_source([A, B, C], token, NOW)
        after = choose_source([A, B], token, NOW)
        assert before in (C, after)


def test_suspended_and_avoided_sources_are_left_out() -> None:
    off = EgressSource("off", suspended_until=2_000)
    assert choose_source([off], "t", NOW) is None
    assert choose_source([off], "t", 2_000) == off
    assert choose_source([A, B], "t", NOW, {"a"}) == B
    assert choose_source([A], "t", NOW, {"a"}) is None
    assert choose_source([], "t", NOW) is None


def test_weight_zero_is_the_last_resort() -> None:
    reserve = EgressSource("reserve", priority=0)
    assert shares(A, reserve) == {"a": 4_000}
    assert choose_source([A, reserve], "t", NOW, {"a"}) == reserve


def test_a_bound_source_reaches_the_families_it_has() -> None:
    four, six = EgressSource("4", address="192.0.2.1"), EgressSource("6", address6="2001:db8::1")
    assert can_reach(four, "198.51.100.1") and not can_reach(four, "2001:db8::2")
    assert can_reach(six, "2001:db8::2") and not can_reach(six, "198.51.100.1")
    assert can_reach(EgressSource("any"), "2001:db8::2")
    assert can_reach(EgressSource("s", kind=EgressKind.SMARTHOST, address="192.0.2.1"), "::1")
    assert bound_address(four, "198.51.100.1") == "192.0.2.1"
    assert bound_address(six, "2001:db8::2") == "2001:db8::1"
