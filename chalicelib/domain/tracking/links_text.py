"""Links in plain text: `http` and `https` addresses as people write them.

Punctuation behind an address belongs to the sentence, a closing bracket belongs to it unless one was opened inside, and
`<address>` is taken whole. What could go on behind its visible end (letters outside ASCII, an address in angle brackets
that is cut by a line) is left alone, because half an address leads nowhere. One pass, linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.tracking.links_url import LONGEST_URL, Occurrence, read_mark, read_url

# Not inside a longer word or address: `git+https://x`, `mailto:a@b?body=https://x`, `x-https://x`.
_FOUND = re.compile(rb"(?<![A-Za-z0-9+.\-/%=&?#@_~])(?i:https?(?:\+notrack)?)://[!#-;=?-~]++")
_PAIRS = {ord(")"): b"(", ord("]"): b"[", ord("}"): b"{"}
_AFTER = frozenset(b".,;:!?'*")
_ENDS = frozenset(b' \t\r\n\x0b\x0c<>"')
# What ends an address in UTF-8 text though it is not ASCII: no-break space, quotes, ellipsis, CJK punctuation.
_FOREIGN_END = re.compile(
    "[\u00a0\u00bb\u2018-\u201f\u2026\u202f\u203a\u3000-\u3003\u3009\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff1b\uff1f]"
)


def find_text_links(text: bytes, *, utf8: bool) -> Iterator[Occurrence]:
    """The links of a plain text in order; `utf8` says that bytes above 127 are UTF-8."""
    for found in _FOUND.finditer(text):
        start, end = found.span()
        bracketed = text[start - 1 : start] == b"<"
        if not bracketed:
            end = _sentence_ends(text, start, end)
        elif text[end : end + 1] != b">":
            continue
        mark = read_mark(text, start)
        if mark is not None:
            yield mark
        elif _is_over(text, found.end(), utf8):
            url = read_url(text[start:end])
            if url is not None:
                yield Occurrence(start, end, *url)


def _sentence_ends(text: bytes, start: int, end: int) -> int:
    """Where an address ends, punctuation and unpaired closing brackets left to the sentence."""
    if end - start > 2 * LONGEST_URL:
        return end
    unpaired = {
        close: text.count(close, start, end) - text.count(opened, start, end)
        for close, opened in _PAIRS.items()
    }
    while True:
        last = text[end - 1]
        if unpaired.get(last, 0) > 0:
            unpaired[last] -= 1
        elif last not in _AFTER:
            return end
        end -= 1


def _is_over(text: bytes, end: int, utf8: bool) -> bool:
    """Whether an address surely ends here: at white space, a quote, an angle bracket, or the text's end."""
    if end == len(text) or text[end] in _ENDS:
        return True
    # A character of this range has at most three octets.
    return utf8 and _FOREIGN_END.match(text[end : end + 3].decode("utf-8", "ignore")) is not None
