"""E-mail addresses: found in header fields and request texts, and checked for the SMTP envelope.

Reading is lenient, because what counts is that no address in a From field stays unseen: whatever could be taken for an
author by some mail program is returned. Checking (`is_mailbox`) is strict RFC 5321 §4.1.2, with RFC 6531 when asked.
Nothing here decodes encoded words: decode first and parse after, and a display name can forge an author. All functions
are linear in their input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from chalicelib.domain.errors import Rejected

LONGEST_FIELD = 65_536
LONGEST_REMEMBERED = 256
LONGEST_LOCAL_PART = 64
LONGEST_DOMAIN = 255
LONGEST_MAILBOX = 254  # RFC 5321 §4.5.3.1.3: a path of 256 octets less its angle brackets

_TOKEN = re.compile(
    r'(?P<quoted>"(?>[^"\\]+|\\.)*+\\?"?)'
    r"|(?P<literal>\[[^\[\]<>,;()\"]*+\])"
    r"|(?P<special>[(<>,;:])"
    r'|(?P<text>[^"\[(<>,;:]+|\[)',
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~"
# What RFC 6531 adds, without controls, white space, surrogates and the other full stops of IDNA 2003.
_UNICODE = (
    "\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001\u3003-\ud7ff"
    "\ue000-\uff0d\uff0f-\uff60\uff62-\U0010ffff"
)
# Angle brackets are left out: no mailbox has them, and a careless server would end the path there.
_QUOTED = r'"(?:[ !#-;=?-\[\]-~{more}]|\\[ -;=?-~])*"'
_LABEL = r"[A-Za-z0-9{more}](?:[A-Za-z0-9{more}-]*[A-Za-z0-9{more}])?"


def _pattern(more: str) -> re.Pattern[str]:
    atom = f"[{_ATEXT}{more}]+"
    local = f"{atom}(?:\\.{atom})*|" + _QUOTED.replace("{more}", more)
    label = _LABEL.replace("{more}", more)
    literal = r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]"
    return re.compile(f"(?P<local>{local})@(?P<domain>{label}(?:\\.{label})*|{literal})")


_ASCII_MAILBOX = _pattern("")
_UTF8_MAILBOX = _pattern(_UNICODE)
_QUOTED_LOCAL = re.compile(r'"(?>[^"\\]+|\\.)*+"@', re.DOTALL)


def bare_address(text: str) -> str:
    """The address in `Name <address> (comment)` by contract section 2.6 rule 1: everything up to the last `<`, from the
    next `>` on, and comments dropped. The case is kept."""
    text = text[text.rfind("<") + 1 :].partition(">")[0]
    return _without_comments(text).strip()


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
    for token in _tokens(text):
        special = token["special"]
        if special in ("<", ">"):
            angle = special == "<"
        elif special == "," and not angle:
            entries.append(text[start : token.start()])
            start = token.end()
    entries.append(text[start:])
    return tuple(entry.strip() for entry in entries if entry.strip())


def is_mailbox(text: str, smtputf8: bool) -> bool:
    """True for an RFC 5321 Mailbox within its length limits (octets of UTF-8); beyond ASCII only with `smtputf8`.

    Never true for a text with control characters, white space outside quotes, or angle brackets.
    """
    if len(text) > LONGEST_MAILBOX:
        return False
    match = (_UTF8_MAILBOX if smtputf8 else _ASCII_MAILBOX).fullmatch(text)
    if match is None:
        return False
    local, domain = match["local"].encode(), match["domain"].encode()
    return (
        len(local) <= LONGEST_LOCAL_PART
        and len(domain) <= LONGEST_DOMAIN
        and len(local) + 1 + len(domain) <= LONGEST_MAILBOX
        and all(len(label) <= 63 for label in match["domain"].split("."))
    )


def domain_of(address: str) -> str:
    """The lower-case domain of a bare address, empty when there is none.

    The split is at the first `@` after a possible quoted local part, so that `a@b@c` has the domain `b@c`, which no one
    owns, and never `c`.
    """
    quoted = _QUOTED_LOCAL.match(address)
    if quoted:
        return address[quoted.end() :].lower()
    return address.partition("@")[2].lower()


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """The tokens of an address field without its comments. From an unclosed comment on, parentheses are text."""
    at, comments = 0, True
    while token := _TOKEN.match(text, at):
        at = token.end()
        if token["special"] != "(":
            yield token
        elif comments:
            end = _comment_end(text, at)
            comments, at = end is not None, at if end is None else end


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
        for token in _tokens(text):
            if token["special"] is None:
                self.words.append(token[0])
            else:
                yield from self._special(token[0])
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
            yield from _bare_words("".join(self.words))
        self.words = []

    def _angle_end(self) -> Iterator[str]:
        """An empty `<>` gives what stood before it its chance again: `evil@a <>` is not empty to every reader."""
        address = "".join(self.words).strip()
        self.words, self.in_angle = [], False
        if address:
            self.phrase = []
            yield address

    def _end(self) -> Iterator[str]:
        """The mailbox is over: an unclosed angle, an unused phrase and text outside brackets count."""
        if self.in_angle:
            yield from self._angle_end()
        yield from _bare_words("".join(self.phrase))
        yield from _bare_words("".join(self.words))
        self.words, self.phrase = [], []


def _bare_words(text: str) -> Iterator[str]:
    """Addresses in text outside angle brackets. Several at-signs mean several addresses, one a word, so that
    `evil@a good@b` shows both."""
    text = text.strip()
    if text.count("@") > 1 and not text.startswith('"'):
        yield from (word for word in text.split() if "@" in word)
    elif "@" in text:
        yield text


def _without_comments(text: str) -> str:
    """Text without `(…)`, nested or not; what follows an unclosed parenthesis stays."""
    kept, at = [], 0
    while (start := text.find("(", at)) >= 0:
        end = _comment_end(text, start + 1)
        if end is None:
            break
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
