"""A record as wanted beside what was found: the parts that differ, by words of lists and by characters of keys.

Pure, and linear in both texts. Lists of tags (SPF, DKIM, DMARC and their like) are compared as sets of words, as their
order says nothing to receivers; a tag that both have with another value, and all else, from both ends.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

_BLANKS = re.compile(r"(\s+)")
_TAGS = re.compile(r"(\s*;\s*)")
LISTS = {
    "spf": _BLANKS,
    "dkim-rsa": _TAGS,
    "dkim-ed25519": _TAGS,
    "dmarc": _TAGS,
    "mta-sts": _TAGS,
    "tls-rpt": _TAGS,
    "bimi": _TAGS,
}


class Piece(NamedTuple):
    """A part of a text, and whether it is only there."""

    text: str
    differs: bool = False


class Difference(NamedTuple):
    """Both texts in pieces: what is wanted and not found, what is found and not wanted."""

    wanted: tuple[Piece, ...]
    found: tuple[Piece, ...]


def difference(purpose: str, wanted: str, found: str) -> Difference:
    """The pieces of a record of this purpose."""
    if "".join(wanted.split()) == "".join(found.split()):
        return Difference((Piece(wanted),), (Piece(found),))
    parting = LISTS.get(purpose)
    compared = _from_ends(wanted, found) if parting is None else _by_words(parting, wanted, found)
    return Difference(_joined(compared.wanted), _joined(compared.found))


def _by_words(parting: re.Pattern[str], wanted: str, found: str) -> Difference:
    ours, theirs = parting.split(wanted), parting.split(found)
    missing = Counter(_words(ours)) - Counter(_words(theirs))
    extra = Counter(_words(theirs)) - Counter(_words(ours))
    # A tag of the same name on both sides is one whose value was changed: its parts are told apart.
    values = {_name(one): one for one in extra if "=" in one}
    changed = {one: values[_name(one)] for one in missing if "=" in one and _name(one) in values}
    back = {their: our for our, their in changed.items()}
    if not missing and not extra:
        return _from_ends(wanted, found)
    return Difference(
        tuple(
            _marked(
                ours, missing, {our: _from_ends(our, one).wanted for our, one in changed.items()}
            )
        ),
        tuple(
            _marked(theirs, extra, {one: _from_ends(our, one).found for one, our in back.items()})
        ),
    )


def _words(parts: list[str]) -> list[str]:
    """The words of a list that was parted: every second part is what stands between them."""
    return [one for one in parts[::2] if one]


def _name(tag: str) -> str:
    return tag.partition("=")[0].strip().lower()


def _marked(
    parts: list[str], only: Counter[str], changed: dict[str, tuple[Piece, ...]]
) -> list[Piece]:
    kept = Counter(_words(parts)) - only
    pieces: list[Piece] = []
    for at, part in enumerate(parts):
        if at % 2 or kept[part] > 0 or not part:
            pieces.append(Piece(part))
            kept[part] -= 1
            continue
        pieces += changed.get(part, (Piece(part, True),))
    return pieces


def _from_ends(wanted: str, found: str) -> Difference:
    """What lies between the same beginning and the same end."""
    shorter = min(len(wanted), len(found))
    head = next((at for at in range(shorter) if wanted[at] != found[at]), shorter)
    room = shorter - head
    tail = next((at for at in range(room) if wanted[-1 - at] != found[-1 - at]), room)
    return Difference(_middle(wanted, head, tail), _middle(found, head, tail))


def _middle(text: str, head: int, tail: int) -> tuple[Piece, ...]:
    end = len(text) - tail
    return Piece(text[:head]), Piece(text[head:end], True), Piece(text[end:])


def _joined(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Neighbours of a kind as one, without empty ones."""
    joined: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if joined and joined[-1].differs == piece.differs:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.differs)
        else:
            joined.append(piece)
    return tuple(joined)
