"""What somebody wrote in a reply, and what their mail program put under it (contract section 5A, strip replies).

Marks count at the start of a line, behind any `>` and white space; 50,000 of them are looked at. Each rule takes what
is left by those before it; most take everything to the end. It is a guess by fixed rules, wrong where people write such
lines themselves. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

MOST_MARKS = 50_000

# By the names of the rules. `french` takes its line alone, `on` needs a `wrote:` near enough, the others take all that
# follows.
_MARK = re.compile(
    r"""(?mx) ^ [>\ \t\f\v]*+ (?=[-FLO_S=]) (?:
    (?P<dashes> -{2,10}\ $ )
    | (?P<original> -----\ ?Original\ Message\ ?----- )
    | (?P<sent> From: (?= [^\n]* \n++ Sent: ) )
    | (?P<date> From: (?= [^\n]* \n++ Date: ) )
    | (?P<german> -----Urspr.ngliche\ Nachricht----- )
    | (?P<french> Le [^\n]{10,200}? a\ .crit\ ?: [\ \t]*+ $ )
    | (?P<underscores> _{18} )
    | (?P<on> On )
    | (?P<device> Sent\ from\ my )
    | (?P<above> ===\ Please\ reply\ above\ this\ line\ === )
    )"""
)
_ORDER = "dashes original sent date german french underscores on device above".split()
_WROTE = re.compile(r"(?m)wrote:[ \t]*+$")
_NEAREST, _FARTHEST = 10, 200
_QUOTED = re.compile(r"(?m)(?:^>[^\n]*+\n?+)++")
_FEWEST_QUOTED = 10

Span = tuple[int, int]


def split_reply(text: str) -> tuple[str, str | None]:
    """The reply, and what was under it, None when nothing was found; both without white space at their ends. What a
    later rule takes stands in front."""
    text = text.replace("\r", "")
    marks: dict[str, list[Span]] = {name: [] for name in _ORDER}
    for match in islice(_MARK.finditer(text), MOST_MARKS):
        marks[match.lastgroup or ""].append(match.span())
    marks["on"] = list(_answered(text, marks["on"]))
    taken: list[str] = []
    lines: Sequence[Span] = ()
    end = len(text)
    for name in _ORDER:
        if name == "french":
            lines = [line for line in marks[name] if line[1] <= end]
            taken += [text[start:stop] for start, stop in lines]
        elif marks[name] and (start := marks[name][0][0]) < end:
            taken.append(_without(text, start, end, lines))
            end = start
    kept, at = [], 0
    text = _without(text, 0, end, lines)
    for start, stop in _blocks(text):
        kept.append(text[at:start])
        taken.append(text[start:stop])
        at = stop
    quoted = "\n".join(reversed(taken)).strip()
    return "".join((*kept, text[at:])).strip(), quoted or None


def _answered(text: str, marks: Sequence[Span]) -> Iterator[Span]:
    """The first `On` that has a `wrote:` at the end of a line behind it; between them may be several lines."""
    ends = [match.start() for match in _WROTE.finditer(text)] if marks else []
    at = 0
    for start, stop in marks:
        while at < len(ends) and ends[at] < stop + _NEAREST:
            at += 1
        if at < len(ends) and ends[at] <= stop + _FARTHEST:
            yield start, stop
            return


def _without(text: str, start: int, end: int, lines: Sequence[Span]) -> str:
    """`text[start:end]` without these lines."""
    pieces = []
    for first, last in lines:
        if start <= first and last <= end:
            pieces.append(text[start:first])
            start = last
    return "".join((*pieces, text[start:end]))


def _blocks(text: str) -> Iterator[Span]:
    """Ten or more lines with `>` in front that follow each other."""
    for match in _QUOTED.finditer(text):
        start, stop = match.span()
        if text.count("\n", start, stop - 1) + 1 >= _FEWEST_QUOTED:
            yield start, stop
