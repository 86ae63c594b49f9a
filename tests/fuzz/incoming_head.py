"""Fuzz target: whatever came along, what stands in front is ours alone, and taking it off again leaves what is left."""

from __future__ import annotations

from chalicelib.domain.incoming.head import fields, with_head
from chalicelib.domain.inspection import Authentication, Inspection, Spf

OUR_NAME = "mx.example"
SEEDS = (
    b"Received: x\r\nX-Postal-Spam: no\r\nAuthentication-Results: (a) mx.example; spf=pass\r\n\r\nbody",
    b'A: b\r\nAuthentication-Results:\r\n "mx.example" 1;\r\n none\r\n',
)
WORDS = (
    b"\r\n", b"\r\n ", b"\r\n\r\n", b"\n", b"X-Postal-Spam:", b"x-postal-threat :", b"X-Postal-Spam-Score: 1\r\n",
    b"Authentication-Results: ", b"mx.example", b";", b"(", b")", b'"', b"\\", b"\xff", b"\0",
)  # fmt: skip


def fuzz_incoming_head(data: bytes) -> None:
    """Nothing forged is left, and nothing else is gone."""
    plain = with_head(data, None, OUR_NAME)
    assert with_head(plain, None, OUR_NAME) is plain
    assert len(plain) <= len(data)
    name = data[:300].decode("latin-1")
    found = Inspection(authentication=Authentication(Spf("pass", name)))
    front = fields(found, OUR_NAME)
    assert max(map(len, front.split(b"\r\n"))) < 998
    shown = with_head(data, found, OUR_NAME)
    assert shown == front + plain
    if not plain.startswith((b" ", b"\t")):
        assert with_head(shown, None, OUR_NAME) == plain
