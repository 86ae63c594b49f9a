"""What was said in an attempt at one host, line by line: as it is heard, and packed into a few hundred bytes.

Content is never in it, only how long it was; neither are secrets. Whoever talks notes commands and replies; another
host begins it anew. It is bounded: of long conversations the beginning and the end are kept, since the end decides.
Packed, it is deflated with words that such conversations have and those that its delivery has anyway, so that it can be
read beside just that delivery. Reading promises nothing about the words: a remote's are hostile wherever they are
shown.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.reply import Reply
from chalicelib.domain.transcript_words import WORDS

Speaker = Literal["us", "them"]

MOST_LINES = 200
LONGEST_LINE = 500
MOST_BYTES = 2_000
"""Of a packed one: it lies beside its message."""
_LARGEST = MOST_LINES * (4 * LONGEST_LINE + 20)  # bytes of an unpacked one
_FORM = b"\x01"
_MARKS: dict[Speaker, str] = {"us": ">", "them": "<"}
_SPEAKERS = {mark: speaker for speaker, mark in _MARKS.items()}
_LINE = re.compile(r"([0-9]*)([<>])([^\n]*)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_WINDOW, _MEMORY = 13, 6  # a window of 8 kB takes in all that is packed, and is cheap to set up


@dataclass(frozen=True, slots=True)
class Line:
    """What was said so many milliseconds after the host was turned to."""

    ms: int
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A conversation as it is kept. `host` and `address` are empty where its delivery tells them. `truncated`: lines
    are missing, or ends of lines."""

    lines: tuple[Line, ...]
    host: str = ""
    address: str = ""
    truncated: bool = False


class Transcript:
    """Takes down what is said. `now` tells the seconds of some clock that never goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: list[Line] = []
        self._began = now()
        self._truncated = False
        self._host = self._address = ""

    def begin(self, host: str, address: str) -> None:
        """Another host: what was said to others is told by nobody."""
        self._lines, self._began, self._truncated = [], self._now(), False
        self._host, self._address = host, address

    def say(self, commands: bytes) -> None:
        """Commands of ours, a line each."""
        for line in commands.decode("utf-8", "replace").splitlines():
            self._add("us", line)

    def send(self, size: int) -> None:
        """Content of ours, which is not kept."""
        self._add("us", f"({size} bytes)")

    def hear(self, reply: Reply) -> None:
        """A reply of theirs, of one line or several."""
        lines = reply.text.split("\n")
        enhanced = f"{reply.enhanced} " if reply.enhanced else ""
        for number, line in enumerate(lines, 1):
            more = " " if number == len(lines) else "-"
            self._add("them", f"{reply.code}{more}{enhanced}{line}")

    def heard(self) -> Heard | None:
        """What was said so far to the last host; None where nothing was."""
        if not self._lines:
            return None
        return Heard(tuple(self._lines), self._host, self._address, self._truncated)

    def _add(self, speaker: Speaker, text: str) -> None:
        if len(text) > LONGEST_LINE:
            text, self._truncated = text[:LONGEST_LINE], True
        ms = max(0, round((self._now() - self._began) * 1000))
        self._lines.append(Line(ms, speaker, _CONTROLS.sub(" ", text)))
        if len(self._lines) > MOST_LINES:
            del self._lines[MOST_LINES // 2]
            self._truncated = True


def pack(heard: Heard, known: Sequence[str]) -> bytes:
    """A conversation as bytes, at most MOST_BYTES, beside what is `known` of its delivery: the same texts in the same
    order unpack it. Nothing for one line that cannot be made so short."""
    lines, is_cut = list(heard.lines), heard.truncated
    while True:
        head = f"{int(is_cut)}{heard.host}\t{heard.address}\n"
        packed = _deflate(head + _render(lines), known)
        if len(packed) <= MOST_BYTES:
            return packed
        is_cut, kept = True, len(lines) // 2
        if kept == 0:
            return b""
        lines = lines[: kept // 2] + lines[kept // 2 - kept :]


def unpack(packed: bytes, known: Sequence[str]) -> Heard | None:
    """The conversation of what `pack` gave; None for what is none, or another delivery's."""
    text = _inflate(packed, known)
    if text is None:
        return None
    head, _, rest = text.partition("\n")
    host, _, address = head[1:].partition("\t")
    lines: list[Line] = []
    ms = 0
    for line in rest.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        ms += int(found[1][:9] or "0")
        lines.append(Line(ms, _SPEAKERS[found[2]], found[3]))
    return Heard(tuple(lines), host, address, head[:1] == "1")


def _render(lines: Sequence[Line]) -> str:
    before, texts = 0, []
    for line in lines:
        after = line.ms - before
        texts.append(f"{after or ''}{_MARKS[line.speaker]}{line.text}")
        before = line.ms
    return "\n".join(texts)


def _deflate(text: str, known: Sequence[str]) -> bytes:
    made = zlib.compressobj(
        6, zlib.DEFLATED, -_WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _dictionary(known)
    )
    return _FORM + made.compress(text.encode("utf-8", "replace")) + made.flush()


def _inflate(packed: bytes, known: Sequence[str]) -> str | None:
    if packed[:1] != _FORM:
        return None
    reader = zlib.decompressobj(-_WINDOW, _dictionary(known))
    try:
        return reader.decompress(packed[1:], _LARGEST).decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        return None


def _dictionary(known: Sequence[str]) -> bytes:
    return WORDS + "\n".join(known).encode("utf-8", "replace")
