"""Which route of a domain takes a message (api.md 2.9): by the recipient's local part, then by conditions.

Routes come in the order of their priority, then exact name, pattern, `*`, then age; the first whose name fits and whose
conditions hold is chosen. `*` in a name or condition is any run of characters, also none, and case never counts. A
match is a few searches that never go back, and of the fields that have one name MOST_READ characters are looked at, so
strangers cannot make a message expensive. Nothing here reads mail or stores; whether mail is taken at all is decided
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.pieces import fits
from chalicelib.domain.tenancy.routes import Condition, Route

ANY = "*"
OF_HEADER = "header:"
MOST_READ = 65_536  # characters


@dataclass(frozen=True, slots=True)
class Described:
    """What conditions may ask of a message: the envelope sender, empty for none, the subject decoded, and the fields of
    the header in order, each with its name and its decoded value."""

    mail_from: str
    subject: str
    headers: Sequence[tuple[str, str]] = ()


class Result(StrEnum):
    """What came of looking at a route: `name` and `condition` are what did not fit."""

    NAME = "name"
    CONDITION = "condition"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Look:
    """A route that was looked at."""

    route: Route
    result: Result


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, in any case of letters."""
    return fits(pattern.casefold().split(ANY), text.casefold())


def name_of(local_part: str) -> str:
    """The name that a local part asks for: lower case, without its tag, which begins at the first `+`."""
    return local_part.partition("+")[0].lower()


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Routes in the order in which they are asked."""
    return sorted(routes, key=lambda one: (one.priority, _kind(one.name), one.number))


def routes_for(routes: Iterable[Route], local_part: str) -> list[Route]:
    """Those of a domain's routes whose name fits a recipient's local part, tag or not, in order. Their conditions are
    not asked."""
    name = name_of(local_part)
    return [one for one in in_order(routes) if _fits(one, name)]


def chosen(routes: Iterable[Route], message: Described) -> Route | None:
    """The first of the routes of `routes_for` whose conditions hold; None when there is none."""
    reader = _Reader(message)
    return next((one for one in routes if reader.holds(one)), None)


def looked_at(routes: Iterable[Route], local_part: str, message: Described) -> list[Look]:
    """Each of a domain's routes in order, up to the one that is chosen, and why it was passed over."""
    name, reader = name_of(local_part), _Reader(message)
    looks: list[Look] = []
    for one in in_order(routes):
        if not _fits(one, name):
            looks.append(Look(one, Result.NAME))
        elif reader.holds(one):
            return [*looks, Look(one, Result.CHOSEN)]
        else:
            looks.append(Look(one, Result.CONDITION))
    return looks


def _kind(name: str) -> int:
    """0 for an exact name, 1 for a pattern, 2 for what fits everything."""
    if name == ANY:
        return 2
    return int(ANY in name)


def _fits(route: Route, name: str) -> bool:
    return not route.is_return_path and matches(route.name, name)


class _Reader:
    """A message as conditions look at it. A field is read once for all conditions, and a condition is asked once."""

    def __init__(self, message: Described) -> None:
        self._message = message
        self._texts: dict[str, tuple[str, ...]] = {}
        self._known: dict[Condition, bool] = {}

    def holds(self, route: Route) -> bool:
        return all(map(self._asked, route.conditions))

    def _asked(self, condition: Condition) -> bool:
        if condition not in self._known:
            texts = self._field(condition.field)
            self._known[condition] = any(matches(condition.matches, one) for one in texts)
        return self._known[condition]

    def _field(self, field: str) -> tuple[str, ...]:
        if field not in self._texts:
            self._texts[field] = tuple(_beginning(self._values(field)))
        return self._texts[field]

    def _values(self, field: str) -> Iterator[str]:
        if field == "from":
            yield self._message.mail_from
        elif field == "subject":
            yield self._message.subject
        else:
            wanted = field.removeprefix(OF_HEADER).lower()
            yield from (value for name, value in self._message.headers if name.lower() == wanted)


def _beginning(texts: Iterable[str]) -> Iterator[str]:
    """As many of the texts as MOST_READ characters hold, the last one cut."""
    left = MOST_READ
    for text in texts:
        if left <= 0:
            return
        yield text[:left].casefold()
        left -= max(len(text), 1)
