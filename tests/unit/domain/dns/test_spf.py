"""SPF policies: what they include, what they cost, what is added; and texts that nobody meant well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns import spf
from tests.growth import assert_linear

OURS = "spf.ph.example"


@pytest.mark.parametrize(
    "policy",
    [
        "v=spf1 include:spf.ph.example -all",
        "v=spf1 +include:spf.ph.example",
        "v=spf1   a  mx INCLUDE:SPF.PH.EXAMPLE. ?all",
        "v=spf1 redirect=x.example include:spf.ph.example",
    ],
)
def test_ours_is_included(policy: str) -> None:
    assert spf.includes(policy, OURS)


@pytest.mark.parametrize(
    "policy",
    [
        "v=spf1",
        "v=spf1 -all include:spf.ph.example",
        "v=spf1 all include:spf.ph.example",
        "v=spf1 -include:spf.ph.example ~all",
        "v=spf1 ~include:spf.ph.example",
        "v=spf1 ?include:spf.ph.example",
        "v=spf1 include:spf.ph.example.evil ~all",
        "v=spf1 include:xspf.ph.example",
        "v=spf1 include=spf.ph.example",
        "v=spf1 exp=include:spf.ph.example",
        "v=spf1 a:include:spf.ph.example",
        "v=spf1 redirect=spf.ph.example",
        "v=spf1\tinclude:spf.ph.example",
    ],
)
def test_ours_is_not_included(policy: str) -> None:
    assert not spf.includes(policy, OURS)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("v=spf1 a mx -all", "v=spf1 a mx include:spf.ph.example -all"),
        ("v=spf1 a  ~all exp=x", "v=spf1 a  include:spf.ph.example ~all exp=x"),
        ("v=spf1 mx redirect=x.example", "v=spf1 mx include:spf.ph.example redirect=x.example"),
        ("v=spf1 mx", "v=spf1 mx include:spf.ph.example"),
        ("v=spf1 ", "v=spf1 include:spf.ph.example"),
        ("v=spf1 all", "v=spf1 include:spf.ph.example all"),
    ],
)
def test_ours_is_added_before_the_end_and_nothing_else(policy: str, wanted: str) -> None:
    assert spf.with_include(policy, OURS) == wanted


@pytest.mark.parametrize(
    ("policy", "look_ups", "follows"),
    [
        ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", 0, ()),
        ("v=spf1 a mx ptr exists:%{i}.x.example include:a.example -all", 5, ("a.example",)),
        ("v=spf1 +a/24 -mx:x.example/24 include:%{d}.example", 3, ()),
        ("v=spf1 redirect=b.example", 1, ("b.example",)),
        ("v=spf1 redirect=b.example -all", 0, ()),
        ("v=spf1 -all include:a.example", 0, ()),
        ("v=spf1 include:a.example include:a.example", 2, ("a.example", "a.example")),
    ],
)
def test_what_a_policy_takes(policy: str, look_ups: int, follows: tuple[str, ...]) -> None:
    assert spf.costs(policy) == spf.Costs(look_ups, follows)


def test_look_ups_of_includes_and_redirects_are_counted() -> None:
    others = {
        "a.example": spf.costs("v=spf1 include:b.example mx"),
        "b.example": spf.costs("v=spf1 a mx redirect=c.example"),
        "c.example": spf.costs("v=spf1 a"),
    }
    assert spf.look_ups("v=spf1 include:a.example -all", others) == 7
    assert spf.look_ups("v=spf1 include:a.example include:unknown.example", others) == 8


def test_a_policy_that_leads_to_itself_takes_more_than_there_may_be() -> None:
    others = {
        "a.example": spf.costs("v=spf1 include:b.example"),
        "b.example": spf.costs("v=spf1 include:a.example include:b.example"),
    }
    assert spf.look_ups("v=spf1 include:a.example", others) > spf.MOST_LOOK_UPS
    itself = {"a.example": spf.costs("v=spf1 include:ours.example include:a.example -all")}
    assert spf.look_ups("v=spf1 include:a.example", itself) > spf.MOST_LOOK_UPS
    twice = {"b.example": spf.costs("v=spf1 a")}
    assert spf.look_ups("v=spf1 include:b.example include:b.example", twice) == 4


@given(st.text(alphabet=" :=/+-~?%{}.aAlL1incudevspfrt\t\n\x00é", max_size=400))
def test_whatever_stands_in_a_policy_ours_can_be_added(text: str) -> None:
    policy = f"v=spf1 {text}"
    assert spf.policies([policy]) == (policy,)
    spf.costs(policy)
    added = spf.with_include(policy, OURS)
    assert spf.includes(added, OURS)
    assert spf.policies([added]) == (added,)
    assert sorted(added.split(" ")) != sorted(policy.split(" "))


@pytest.mark.parametrize("part", [" ", "a ", "include:", "+", "a.", " -include:x/ ", "\x00", "=:/"])
def test_work_grows_with_the_text_alone(part: str) -> None:
    def work(policy: str) -> None:
        spf.includes(policy, OURS)
        spf.with_include(policy, OURS)
        spf.costs(policy)

    small = "v=spf1 " + part * (125_000 // len(part))
    assert_linear(work, small, small * 4)
