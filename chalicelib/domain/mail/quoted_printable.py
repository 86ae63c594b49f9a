"""Text in quoted-printable (RFC 2045 section 6.7)."""

from __future__ import annotations

import binascii
import re

# Rule 5. The library's encoder passes it for a blank at the end of a full line, which becomes three octets there.
_TOO_LONG = re.compile(rb"[^\n]{77}")


def quoted_printable(text: bytes) -> bytes | None:
    """A text of LF lines, encoded, in LF lines; None when one of them would be longer than 76 octets. Linear."""
    quoted = binascii.b2a_qp(text, istext=True)
    return None if _TOO_LONG.search(quoted) else quoted
