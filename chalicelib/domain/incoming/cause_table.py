"""Tables of wordings (`cause_rules`) as rules, and the first of them that is about a text.

A piece is found where a word begins. Of a table only the rules are looked at whose first piece begins as a word of the
text does, so that a text is asked in time linear in it, however many rules there are. No patterns that could backtrack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_BEGINNING = 3
_WORD_STARTS = re.compile(r"(?<![^\W_])(?=([^\W_].{2}))", re.DOTALL)
_UNSPACED = "\u2e80"
"""From this character on are the scripts of East Asia, most of which put no blanks between words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is the class of refusal that it is for, 0 for any; `pieces` follow each other in the text, the first of
    them is `first`."""

    first: str
    pieces: tuple[str, ...]
    when: int
    cause: str
    source: str

    def says(self, text: str, permanence: int) -> bool:
        """Whether it is about this text, in time linear in it."""
        place = 0
        for piece in self.pieces:
            place = _find_word(text, piece, place)
            if place < 0:
                return False
            place += len(piece)
        return self.when in (0, permanence)


@dataclass(frozen=True, slots=True)
class RuleTable:
    """Rules in their order."""

    rules: tuple[Rule, ...]
    _anywhere: tuple[int, ...] = field(init=False)
    _by_beginning: dict[str, list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Sort them by how their first piece begins."""
        anywhere = []
        for number, rule in enumerate(self.rules):
            if _begins_a_word(rule.first) and len(rule.first) >= _BEGINNING:
                self._by_beginning.setdefault(rule.first[:_BEGINNING], []).append(number)
            else:
                anywhere.append(number)
        object.__setattr__(self, "_anywhere", tuple(anywhere))

    def said(self, text: str, permanence: int) -> str:
        """The cause of the first rule that is about this text; empty for none."""
        numbers = list(self._anywhere)
        for beginning in set(_WORD_STARTS.findall(text)):
            numbers += self._by_beginning.get(beginning, ())
        rules = (self.rules[number] for number in sorted(numbers))
        found = (rule.cause for rule in rules if rule.first in text and rule.says(text, permanence))
        return next(found, "")


def read_rules(tables: Iterable[str], form: Callable[[str], str] = str) -> tuple[Rule, ...]:
    """The rules of tables of `cause_rules`, in their order, their texts in a form."""
    rules = []
    cause = source = when = ""
    for line in "\n".join(tables).strip().splitlines():
        if not line.startswith(" "):
            cause, source, when = [*line.split(), "0", "0", "0"][:3]
            continue
        for text in form(line.strip().removesuffix("|")).split("|"):
            pieces = tuple(piece.strip() for piece in text.split("*"))
            rules.append(Rule(pieces[0], pieces, int(when[0]), cause, source))
    return tuple(rules)


def _begins_a_word(piece: str) -> bool:
    """Whether it is a word, or words, of a script that puts blanks between them."""
    return piece[0].isalnum() and piece[0] < _UNSPACED


def _find_word(text: str, piece: str, place: int) -> int:
    """Where the piece begins at the beginning of a word, from this place on; -1 for nowhere."""
    place = text.find(piece, place)
    while place > 0 and text[place - 1].isalnum() and _begins_a_word(piece):
        place = text.find(piece, place + 1)
    return place
