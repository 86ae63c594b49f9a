"""What two texts are compared by when mail is searched for, and where their words end (api.md 2.19).

A word is a run of letters, marks and digits of Unicode after compatibility composition (NFKC) and case folding, in no
language's own way; all else parts words, and diacritics count. Scripts that are written without blanks have no words
that could be told without a dictionary: there each character is one. Which characters those are is taken from the
blocks of Unicode. Bounded: of a text MOST_READ characters are looked at, and of its words the first MOST_WORDS.
"""

from __future__ import annotations

import re
from unicodedata import category, normalize

MOST_READ = 2_000
MOST_WORDS = 900
_ASCII_WORD = re.compile("[a-z0-9]+")
_IN_WORDS = "LMN"
# Thai and Lao, Burmese, Khmer, Han and kana, and their extensions. NFKC has put other forms of Han and kana, such as
# radicals and half-width ones, in their place.
_EACH_A_WORD = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f\U000116d0-\U000116ff"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00016fe2-\U00016fe3\U00016ff0-\U00016ff1\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """A text without the differences that no search sees: of case, and of characters that mean the same."""
    if text.isascii():
        return text[:MOST_READ].lower()
    return normalize("NFKC", normalize("NFKC", text[:MOST_READ]).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded, in their order."""
    folded = fold(text)
    if folded.isascii():
        return tuple(_ASCII_WORD.findall(folded)[:MOST_WORDS])
    parted = "".join(sign if category(sign)[0] in _IN_WORDS else " " for sign in folded)
    return tuple(_EACH_A_WORD.sub(r" \g<0> ", parted).split()[:MOST_WORDS])


def stand_side_by_side(wanted: tuple[str, ...], words: tuple[str, ...], is_prefix: bool) -> bool:
    """Whether words stand among others in this order with none between; the last may be the beginning of one."""
    end = "" if is_prefix else " "
    return f" {' '.join(wanted)}{end}" in f" {' '.join(words)} "
