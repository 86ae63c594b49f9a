"""Reading the value of a term as its key wants it. What is wrong with one is said by BadValue, in words that stand
behind the term."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from chalicelib.domain.domain_name import ascii_name
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.model import Status
from chalicelib.domain.search.judge import NO, YES, bare_message_id
from chalicelib.domain.search.query import Between, Pattern, Phrase
from chalicelib.domain.search.words import fold, words_of

ANY = "*"
BLANK = "[blank]"
EMPTY = Pattern(("",))
MOST_STARS = 4
LONGEST_NUMBER = 10
LONGEST_LIKENED = 40
ORDERS = ("oldest-first", "newest-first")
STATES = (*(one.value.lower() for one in Status), "scheduled", "queued")
_COMPARED = re.compile(r"(?P<sign>[<>]=?|)(?P<number>[0-9]{1,15}(?:\.[0-9]{1,3})?)(?P<unit>[a-z]*)")
_SIZES = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9}
SPANS = {"s": 1, "m": 60, "h": HOUR, "d": DAY, "w": 7 * DAY}
_YES_OR_NO = {"yes": YES, "y": YES, "no": NO, "n": NO}


class BadValue(ValueError):
    """What is wrong with a value."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was typed, without its quotes, and the moment that it is counted from (epoch seconds)."""

    text: str
    is_quoted: bool
    now: float

    @property
    def is_blank(self) -> bool:
        """Whether it asks for the empty value."""
        return not self.text or (self.text.lower() == BLANK and not self.is_quoted)


def pattern(given: Given) -> Pattern:
    """A text with `*` for any run of characters, or `[blank]`."""
    if given.is_blank:
        return EMPTY
    if given.text.count(ANY) > MOST_STARS:
        raise BadValue(f"a value has at most {MOST_STARS} {ANY}")
    first, *rest = map(fold, given.text.split(ANY))
    if not rest:
        return Pattern((first,))
    *middle, last = rest
    return Pattern((first, *filter(None, middle), last))


def address(given: Given) -> Pattern:
    """An envelope address, whose domain may be written as people do."""
    if given.text.startswith("@"):
        raise BadValue(
            f"an address has something in front of its @; {ANY}{given.text} may be meant"
        )
    local, at, name = given.text.rpartition("@")
    return pattern(replace(given, text=f"{local}{at}{_in_ascii(name)}" if at else given.text))


def domain(given: Given) -> Pattern:
    """The name of a domain, as people write it or as the DNS does."""
    return pattern(replace(given, text=_in_ascii(given.text)))


def message_id(given: Given) -> Pattern:
    """A Message-ID, with brackets or without."""
    return pattern(replace(given, text=bare_message_id(given.text)))


def words(given: Given) -> Phrase | Pattern:
    """Words in their order, the last of which may end in `*`; `[blank]`, and `*` for any."""
    if given.is_blank or given.text == ANY:
        return pattern(given)
    whole = given.text.removesuffix(ANY)
    if ANY in whole:
        raise BadValue(f"among words {ANY} stands at the end alone")
    found = words_of(whole)
    if not found:
        raise BadValue("it has no letter and no digit, and nothing else is searched for in a text")
    return Phrase(found, whole != given.text and bool(words_of(whole[-1:])))


def token(given: Given) -> Pattern:
    """The token of a message."""
    if ANY in given.text:
        raise BadValue(f"a token is looked for whole, without {ANY}")
    return Pattern((fold(given.text),))


def state(given: Given) -> Pattern:
    """A status."""
    return _one_of(given, {one: one for one in STATES}, "a status")


def yes_or_no(given: Given) -> Pattern:
    """`yes` or `no`."""
    return _one_of(given, _YES_OR_NO, "an answer")


def is_oldest_first(given: Given) -> bool:
    """Whether an order is that of time."""
    return _one_of(given, {one: one for one in ORDERS}, "an order").parts == (ORDERS[0],)


def number_of_message(given: Given) -> Pattern:
    """The id of a message."""
    if not (given.text.isascii() and given.text.isdigit()) or len(given.text) > LONGEST_NUMBER:
        raise BadValue("an id is a number")
    return Pattern((str(int(given.text)),))


def size(given: Given) -> Between:
    """A number of bytes, or more, or less."""
    return _between(given, _SIZES, "a size is >1mb, <20kb or a number of bytes")


def number(given: Given) -> Between:
    """A number, or more, or less."""
    return _between(given, {"": 1}, "a number is >3, <3 or 3")


def age(given: Given) -> Between:
    """When what is older or younger was received."""
    found = _COMPARED.fullmatch(fold(given.text))
    if found is None or not found["sign"] or found["unit"] not in SPANS:
        raise BadValue("an age is >2h, >30m or <7d")
    moment = given.now - float(found["number"]) * SPANS[found["unit"]]
    return Between(high=moment) if found["sign"].startswith(">") else Between(low=moment)


def meant(given: str, known: Mapping[str, str]) -> str:
    """What may be meant by a text, as the end of a sentence; empty where nothing is like it."""
    near = get_close_matches(given[:LONGEST_LIKENED].lower(), known, n=1)
    return f"; {known[near[0]]} may be meant" if near else ""


def _one_of(given: Given, known: Mapping[str, str], what: str) -> Pattern:
    folded = fold(given.text)
    if folded in known:
        return Pattern((known[folded],))
    names = ", ".join(dict.fromkeys(known.values()))
    raise BadValue(f"this is not {what} ({names}){meant(folded, known)}")


def _between(given: Given, units: Mapping[str, int], told: str) -> Between:
    found = _COMPARED.fullmatch(fold(given.text))
    if found is None or found["unit"] not in units:
        raise BadValue(told)
    amount = int(float(found["number"]) * units[found["unit"]])
    match found["sign"]:
        case "":
            return Between(amount, amount + 1)
        case ">" | ">=" as sign:
            return Between(low=amount + (sign == ">"))
        case sign:
            return Between(high=amount + (sign == "<="))


def _in_ascii(name: str) -> str:
    return name if name.isascii() else ascii_name(name) or name
