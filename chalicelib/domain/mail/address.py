"""E-mail addresses found in header fields and in texts that people typed.

Two readers, because two questions are asked. *Who are the authors of this field?* (`addresses_in`) is lenient: no
address in a From field may stay unseen, so whatever could be taken for an author by some mail program is returned.
*Which one address does this text mean?* (`split_mailbox`) is strict: a text that could be read as two is none.
For both a comment separates what stands around it, and signs inside quotes are text. Nothing here decodes encoded
words: decode first and parse after, and a display name can forge an author. All functions are linear in their input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.mailbox import identity

LONGEST_FIELD = 65_536
LONGEST_REMEMBERED = 256

_TOKEN = re.compile(
    r'(?P<quoted>"(?>[^"\\]+|\\.)*+")'
    r'|(?P<open>"(?>[^"\\]+|\\.)*+\\?)'
    r"|(?P<literal>\[[^\[\]<>,;()\"]*+\])"
    r"|(?P<special>[(<>,;:])"
    r'|(?P<text>[^"\[(<>,;:]+|\[)',
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# In a display name without quotes: `a@b`, or `a @ b.c`, which some programs read as an address.
_LOOKS_LIKE_ADDRESS = re.compile(r"\S@\S|@\s*[^\s@.]+\.[^\s@.]")


# Kind, text and offset: the kind is a group of `_TOKEN`, or `comment`; `open` is a quote or `(` that nothing closes.
_Token = tuple[str, str, int]


def split_mailbox(text: str, *, any_name: bool = False) -> tuple[str, str] | None:
    """Display name and bare address of `address` or `Name <address>`, comments understood (contract section 2.6 rule
    1); None when it could be read as another address too.

    The address is what stands in the last `<…>`, as typed; it may be anything or empty, so check it
    (`domain.mailbox`). A name that looks like an address must be quoted or be the same address in a spelling of its
    own (`identity`), unless it is an author's (`any_name`), which a From field shows in quotes. Other text behind `>`
    is dropped.
    """
    tokens = list(_tokens(text))
    words = [word for _, word, _ in tokens]
    if any(kind == "open" for kind, _, _ in tokens):
        return None
    if "<" not in words:
        return "", _joined(words).strip()
    begin = max(at for at, word in enumerate(words) if word == "<")
    if ">" not in words[begin:]:
        return None
    end = words.index(">", begin)
    if _has_address(tokens[end + 1 :]):
        return None
    address = _joined(words[begin + 1 : end]).strip()
    name = text[: tokens[begin][2]].rstrip("< \t").strip()
    is_odd = not any_name and _has_address(tokens[:begin])
    if is_odd and identity(name) != identity(address):
        return None
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = _ESCAPED.sub(r"\1", name[1:-1]).strip()  # RFC 5322 section 3.2.4
    return name, address


def _has_address(tokens: Sequence[_Token]) -> bool:
    """True when text outside quotes and comments looks like an address."""
    shown = ('""' if kind == "quoted" else text for kind, text, _ in tokens if kind != "comment")
    return _LOOKS_LIKE_ADDRESS.search("".join(shown)) is not None


def _joined(words: Iterable[str]) -> str:
    """The text of tokens. A comment separates like a blank, but beside an `@` (RFC 5322 section 3.4.1) it is nothing:
    no name may be put together from what stands around one."""
    kept, apart = [""], False
    for word in words:
        if word == "(":
            apart = True
            continue
        if apart and not kept[-1].endswith("@") and not word.startswith("@"):
            kept.append(" ")
        kept.append(word)
        apart = False
    return "".join(kept)


def addresses_in(header_value: str) -> tuple[str, ...]:
    """Every bare address of a From, Sender or recipient field, in order, groups, comments and quotes understood.

    Give it the undecoded text (`Headers.plain_texts`). A display name before `<…>` is dropped even when it looks like
    an address (contract section 2.6); everything else with an `@` counts, however badly formed the field is. Raises
    Rejected for more than 65,536 characters: nobody has so many authors, and cutting could hide one.
    """
    if len(header_value) > LONGEST_FIELD:
        raise Rejected("An address field of the message is too long")
    if len(header_value) <= LONGEST_REMEMBERED:
        return _remembered_addresses(header_value)
    return tuple(_Mailboxes().read(header_value))


@lru_cache(maxsize=1_024)
def _remembered_addresses(header_value: str) -> tuple[str, ...]:
    """A sender's From is the same in message after message."""
    return tuple(_Mailboxes().read(header_value))


def split_list(text: str) -> tuple[str, ...]:
    """The entries of a comma-separated list (contract section 2.2), commas in quotes, comments and `<…>` respected."""
    entries, start, angle = [], 0, False
    for _, word, at in _tokens(text):
        if word in ("<", ">"):
            angle = word == "<"
        elif word == "," and not angle:
            entries.append(text[start:at])
            start = at + 1
    entries.append(text[start:])
    return tuple(entry.strip() for entry in entries if entry.strip())


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens of an address field; a comment is the token `(`. From an unclosed one on, parentheses are text."""
    at, comments = 0, True
    while match := _TOKEN.match(text, at):
        at = match.end()
        kind = match.lastgroup or ""
        if match[0] == "(":
            end = _comment_end(text, at) if comments else None
            kind, comments, at = ("open", False, at) if end is None else ("comment", True, end)
        yield kind, match[0], match.start()


def _comment_end(text: str, at: int) -> int | None:
    """The offset after the comment whose `(` is just before `at`; comments nest (RFC 5322 §3.2.2)."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return None


@dataclass(slots=True)
class _Mailboxes:
    """Collects the addresses of one field, mailbox by mailbox."""

    words: list[str] = field(default_factory=list)
    phrase: list[str] = field(default_factory=list)
    in_angle: bool = False

    def read(self, text: str) -> Iterator[str]:
        for kind, word, _ in _tokens(text):
            if kind == "special":
                yield from self._special(word)
            else:
                self.words.append(word)
        yield from self._end()

    def _special(self, special: str) -> Iterator[str]:
        if special == "<":
            if self.in_angle:
                yield from self._angle_end()
            self.phrase += self.words
            self.words, self.in_angle = [], True
        elif special == ">":
            yield from self._angle_end()
        elif special == ":":
            yield from self._colon()
        elif not self._in_source_route():
            yield from self._end()

    def _in_source_route(self) -> bool:
        return self.in_angle and bool(self.words) and self.words[0].lstrip().startswith("@")

    def _colon(self) -> Iterator[str]:
        """The end of a group's name, or in angle brackets of a source route (RFC 5321 §4.1.2)."""
        if self.in_angle and not self._in_source_route():
            self.words.append(":")
            return
        if not self.in_angle:
            yield from _bare_words(_joined(self.words))
        self.words = []

    def _angle_end(self) -> Iterator[str]:
        """An empty `<>` gives what stood before it its chance again: `evil@a <>` is not empty to every reader."""
        address = _joined(self.words).strip()
        self.words, self.in_angle = [], False
        if address:
            self.phrase = []
            yield address

    def _end(self) -> Iterator[str]:
        """The mailbox is over: an unclosed angle, an unused phrase and text outside brackets count."""
        if self.in_angle:
            yield from self._angle_end()
        yield from _bare_words(_joined(self.phrase))
        yield from _bare_words(_joined(self.words))
        self.words, self.phrase = [], []


def _bare_words(text: str) -> Iterator[str]:
    """Addresses in text outside angle brackets. Several at-signs mean several addresses, one a word, so that
    `evil@a good@b` shows both."""
    text = text.strip()
    if text.count("@") > 1 and not text.startswith('"'):
        yield from (word for word in text.split() if "@" in word)
    elif "@" in text:
        yield text
