"""A QR code is drawn square by square as the library has it, with room around it; of no other text than an address."""

from __future__ import annotations

import re

import pytest
import segno

from chalicelib.web.qr_code import LONGEST, qr_code

_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")
ROOM = 4
ADDRESS = (
    "otpauth://totp/Posthorn%20mail.acme.example:ada@acme.test?secret=JBSWY3DPEHPK3PXP&period=30"
)


@pytest.mark.parametrize("text", ["x", ADDRESS, "x" * LONGEST])
def test_every_dark_square_is_drawn_and_no_other(text: str) -> None:
    drawn = qr_code(text)
    assert drawn is not None
    assert _RUN.sub("", drawn.path) == ""
    dark = {
        (int(left) + step, int(top))
        for left, top, length, back in _RUN.findall(drawn.path)
        for step in range(int(length))
        if length == back
    }
    rows = segno.make(text, error="l", micro=False, boost_error=False).matrix
    assert drawn.size == len(rows) + 2 * ROOM
    assert dark == {
        (x + ROOM, y + ROOM) for y, row in enumerate(rows) for x, one in enumerate(row) if one
    }


@pytest.mark.parametrize("text", ["", "x" * (LONGEST + 1), "é", "\x00", "\ud800", "a\nb"])
def test_what_is_no_address_is_not_drawn(text: str) -> None:
    assert qr_code(text) is None
