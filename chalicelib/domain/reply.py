"""What one SMTP server says to another, as a value carried from socket to screen.

A `Reply` keeps the code, the enhanced code (RFC 3463, empty when the server gave none) and the text exactly as
received, lines joined by a line feed. It promises nothing about the text: a remote reply is hostile wherever it is
shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)", re.S)
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply (RFC 5321 §4.2). `text` excludes the codes; several lines are joined by a line feed."""

    code: int
    enhanced: str
    text: str

    @property
    def is_positive(self) -> bool:
        """True for 2xx and 3xx."""
        return self.code < 400

    @property
    def is_temporary(self) -> bool:
        """True for 4xx."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """True for 5xx."""
        return self.code >= 500

    def __str__(self) -> str:
        """The reply on one line, as `550 5.1.1 User unknown`."""
        parts = (str(self.code), self.enhanced, self.text.replace("\n", " "))
        return " ".join(part for part in parts if part)

    def render(self) -> bytes:
        """The reply as wire bytes, each line with code and enhanced code (RFC 2034), CRLF at the end."""
        lines = self.text.split("\n") or [""]
        prefix = f"{self.enhanced} " if self.enhanced else ""
        last = len(lines) - 1
        return b"".join(
            f"{self.code}{' ' if number == last else '-'}{prefix}{line}\r\n".encode(
                "utf-8", "replace"
            )
            for number, line in enumerate(lines)
        )


def parse_reply(lines: list[bytes]) -> Reply | None:
    """Read the lines of one reply (without CRLF); None when they are no SMTP reply.

    The enhanced code is taken from the first line and removed from each line that repeats it.
    """
    texts: list[str] = []
    code = 0
    enhanced = ""
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or (code and int(match[1]) != code):
            return None
        code = int(match[1])
        text = match[3].decode("utf-8", "replace").rstrip()
        found = _ENHANCED.match(text)
        if found is not None and int(found[1]) == code // 100:
            enhanced = enhanced or found[0]
            if found[0] == enhanced:
                text = text[found.end() :].lstrip()
        texts.append(text)
    return Reply(code, enhanced, "\n".join(texts)) if code else None
