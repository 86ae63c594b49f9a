"""Every message that is signed verifies with dkimpy, and a changed one does not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.mail.dkim import relaxed_body
from tests.dkim_keys import RECORDS, signed
from tests.dkim_verifiers import dkimpy

SIGNED_NAMES = [
    "From",
    "To",
    "Subject",
    "Date",
    "List-Unsubscribe",
    "X-Own",
    "FEEDBACK-ID",
    "content-type",
    "Reply-To",
]
# dkimpy strips vertical tabs and form feeds from a value, which RFC 6376 does not, and refuses spaces before a colon.
# It is quadratic on white space, so everything is small.
VALUES = st.lists(
    st.lists(
        st.sampled_from([b"a", b" ", b"\t", b"caf\xc3\xa9", b"\xff", b":", b";", b"=", b"  "]),
        max_size=8,
    )
    .map(b"".join)
    .filter(lambda line: line.strip(b" \t") != b""),
    max_size=3,
).map(b"\r\n ".join)
FIELDS = st.lists(st.tuples(st.sampled_from(SIGNED_NAMES), VALUES), max_size=8).map(
    lambda fields: b"".join(name.encode() + b":" + value + b"\r\n" for name, value in fields)
)
BODIES = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b" ",
            b"\t",
            b"text",
            b"=3D",
            b".",
            b"..\r\n",
            b"\x00",
            b"\xff",
            b"\r\n\r\n",
            b"  ",
            b"--",
        ]
    ),
    max_size=30,
).map(b"".join)
CONTENT = st.builds(
    lambda fields, body: b"From: a@example.com\r\n" + fields + b"\r\n" + body, FIELDS, BODIES
)


def as_received(*parts: bytes) -> bytes:
    sent = b"".join(parts)
    return sent if sent.endswith(b"\r\n") else sent + b"\r\n"


@settings(max_examples=200, deadline=None)
@given(
    CONTENT,
    st.sampled_from([(), (b"Date: now\r\n",), (b"X-Postal-MsgID: a\r\n", b"Message-ID: <b>\r\n")]),
)
def test_both_signatures_verify(content: bytes, prefix: tuple[bytes, ...]) -> None:
    fields = signed(content, prefix)
    (verdicts,) = dkimpy([as_received(b"X-Later: 1\r\n", *fields, *prefix, content)], RECORDS)
    assert verdicts == {("example.com", "r1"): "pass", ("example.com", "e1"): "pass"}


@settings(max_examples=60, deadline=None)
@given(
    CONTENT,
    st.sampled_from([b"From: b@evil.example\r\n", b"Subject: x\r\n", b"To: c@evil.example\r\n"]),
)
def test_no_field_can_be_added_to_those_that_matter(content: bytes, added: bytes) -> None:
    (verdicts,) = dkimpy([as_received(added, *signed(content), content)], RECORDS)
    assert "pass" not in verdicts.values()


def by_the_book(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, line by line."""
    lines = body.split(b"\r\n")
    reduced = []
    for line in lines:
        words = line.replace(b"\t", b" ")
        while b"  " in words:
            words = words.replace(b"  ", b" ")
        reduced.append(words.rstrip(b" "))
    while reduced and reduced[-1] == b"":
        reduced.pop()
    return b"".join(line + b"\r\n" for line in reduced)


@given(BODIES | st.binary(max_size=60))
def test_canonical_bodies_are_those_of_the_book(body: bytes) -> None:
    assert relaxed_body(body) == by_the_book(body)


@given(
    st.lists(
        st.sampled_from([b" " * 255, b" " * 256, b" " * 257, b"\t", b"x", b"\r\n", b" " * 15]),
        max_size=12,
    )
)
def test_long_runs_are_shrunk_like_short_ones(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    assert relaxed_body(body) == by_the_book(body)
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)
