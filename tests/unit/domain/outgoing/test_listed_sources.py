"""What lists say of a pool's sources, and which of these are left alone: never all, and never against a person."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.dns.block_lists import BlockList, Standing
from chalicelib.domain.outgoing.choose_source import choose_source
from chalicelib.domain.outgoing.listed_sources import Told, after_look, listings_after
from chalicelib.domain.tenancy.listings import Listing, listings_of, resumed, with_listings
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource

NOW = 1_000.0
BL = BlockList("bl.test")
ONE = EgressSource("one", address="192.0.2.1")
TWO = EgressSource("two", address="192.0.2.2")
LISTED = Listing("bl.test", "192.0.2.1", "spam", 900)
SUSPENDING = frozenset({"bl.test"})


def look(
    *sources: EgressSource, told: tuple[Told, ...] = (), suspending: frozenset[str] = SUSPENDING
) -> list[EgressSource]:
    """The sources after a look at which each said so of its own addresses."""
    looked = [
        (one, listings_after(one, [a for a in (one.address, one.address6) if a], told, NOW))
        for one in sources
    ]
    return after_look(looked, suspending, NOW)


def says(*listed: str, standing: Standing = Standing.GOOD, unlisted: tuple[str, ...] = ()) -> Told:
    return Told(BL, standing, (), dict.fromkeys(listed, "spam"), set(unlisted))


def test_a_listing_stands_with_the_source_since_it_was_found() -> None:
    one, two = look(ONE, TWO, told=(says("192.0.2.1", unlisted=("192.0.2.2",)),))
    assert listings_of(one) == (Listing("bl.test", "192.0.2.1", "spam", 1_000),)
    assert (two, one.suspended_for) == (TWO, "Listed by bl.test")
    assert one.is_suspended(NOW) and not two.is_suspended(NOW)
    assert look(ONE, TWO, told=(says("192.0.2.1"),), suspending=frozenset())[0].suspended_for == ""


def test_what_is_not_firm_changes_nothing() -> None:
    before = look(ONE, TWO, told=(says("192.0.2.1"),))
    for told in (says(), says(standing=Standing.SILENT), says(standing=Standing.REFUSING)):
        assert look(*before, told=(told,)) == before


def test_a_listing_ends_firmly_or_with_its_list_or_its_address() -> None:
    before = look(ONE, TWO, told=(says("192.0.2.1"),))
    for told in ((says(unlisted=("192.0.2.1",)),), (says(standing=Standing.LISTING_ALL),), ()):
        assert look(*before, told=told) == [ONE, TWO]
    moved = replace(before[0], address="192.0.2.9")
    assert look(moved, told=(says("192.0.2.1"),)) == [replace(ONE, address="192.0.2.9")]


def test_words_that_were_not_told_now_stay() -> None:
    before = look(ONE, told=(says("192.0.2.1"),))
    (after,) = look(*before, told=(Told(BL, Standing.GOOD, (), {"192.0.2.1": ""}),))
    assert listings_of(after)[0].text == "spam"


def test_the_last_source_in_use_is_not_suspended() -> None:
    everywhere = says("192.0.2.1", "192.0.2.2", unlisted=("192.0.2.3",))
    (alone,) = look(ONE, told=(everywhere,))
    assert alone.suspended_for == ""
    assert [one.suspended_for for one in look(ONE, TWO, told=(everywhere,))] == [
        "Listed by bl.test",
        "",
    ]
    by_hand = replace(TWO, suspended_until=2_000)
    assert look(ONE, by_hand, told=(says("192.0.2.1"),))[0].suspended_for == ""


def test_a_family_that_no_other_reaches_is_kept() -> None:
    both = replace(ONE, address6="2001:db8::1")
    assert look(both, TWO, told=(says("192.0.2.1"),))[0].suspended_for == ""
    six = EgressSource("six", address6="2001:db8::2")
    assert look(both, TWO, six, told=(says("192.0.2.1"),))[0].suspended_for
    relay = EgressSource("relay", kind=EgressKind.SMARTHOST, host="smtp.test", port=587)
    assert look(both, relay, told=(says("192.0.2.1"),))[0].suspended_for


def test_a_person_who_resumes_wins_until_the_listing_ends() -> None:
    one, two = look(ONE, TWO, told=(says("192.0.2.1"),))
    one = resumed(one)
    assert not one.is_suspended(NOW)
    assert look(one, two, told=(says("192.0.2.1"),))[0].suspended_for == ""
    ended = look(one, two, told=(says(unlisted=("192.0.2.1",)),))
    assert look(*ended, told=(says("192.0.2.1"),))[0].suspended_for == "Listed by bl.test"


def test_a_person_who_suspends_is_not_overruled() -> None:
    by_hand = replace(ONE, suspended_until=2_000)
    for told in (says("192.0.2.1"), says(unlisted=("192.0.2.1",))):
        assert look(by_hand, TWO, told=(told,))[0].suspended_until == 2_000


def test_mail_leaves_by_a_listed_source_once_persons_suspended_the_others() -> None:
    one, two = look(ONE, TWO, told=(says("192.0.2.1"),))
    assert choose_source([one, two], "t", NOW) == two
    assert choose_source([one, two], "t", NOW, {"two"}) is None
    assert choose_source([one, replace(two, suspended_until=2_000)], "t", NOW) == one


def test_listings_are_stored_and_read_again() -> None:
    found = (Listing("a.test", "192.0.2.1"), replace(LISTED, resumed=True))
    assert listings_of(with_listings(ONE, found[::-1])) == found
    assert with_listings(with_listings(ONE, found), ()) == ONE
