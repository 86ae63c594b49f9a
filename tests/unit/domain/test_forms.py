"""Forms as browsers, mailbox providers and others post them: small fields are read, and nothing breaks the reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.forms import LARGEST_FORM, MOST_FIELDS, read_form

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b0"


def part(name: str, value: str, more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"\r\n{more}'
    return f"--b0\r\n{head}\r\n{value}\r\n".encode()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=b&c=", {"a": "b", "c": ""}),
        (b"a=1&a=2", {"a": "1"}),
        (b"List-Unsubscribe=One-Click", {"List-Unsubscribe": "One-Click"}),
        (b"List%2DUnsubscribe=One%2dClick&x=a+b", {"List-Unsubscribe": "One-Click", "x": "a b"}),
    ],
)
def test_urlencoded(body: bytes, fields: dict[str, str]) -> None:
    assert read_form(URLENCODED, body) == fields
    assert read_form("", body) == fields


def test_multipart() -> None:
    body = part("a", "b") + part("c", "d\r\ne", "Content-Type: text/plain\r\n") + b"--b0--\r\n"
    assert read_form(MULTIPART, body) == {"a": "b", "c": "d\r\ne"}
    assert read_form(MULTIPART, b"before\r\n" + body + b"behind") == {"a": "b", "c": "d\r\ne"}
    assert read_form("multipart/form-data", body) == {}
    assert read_form("multipart/form-data; boundary=other", body) == {}
    assert read_form(MULTIPART, b'--b0\r\nX: name="a"\r\n\r\nb\r\n--b0--') == {}


def test_what_is_too_much_has_no_fields() -> None:
    many = b"&".join(b"n%d=x" % number for number in range(MOST_FIELDS + 1))
    assert read_form(URLENCODED, many) == {}
    assert read_form(URLENCODED, b"a=" + b"x" * LARGEST_FORM) == {}
    parts = b"".join(part(f"n{number}", "x") for number in range(MOST_FIELDS + 5))
    assert len(read_form(MULTIPART, parts)) == MOST_FIELDS


HOSTILE = [
    b"--b0\r\n" * 2_000,
    b"\r\n--b0" + b"content-disposition:;" * 700,
    b"--b0\r\ncontent-disposition:" + b"; \t" * 5_000 + b"\r\n\r\nx",
    b"--b0\r\n\r\n" + b'name="' * 2_000,
    b"\0" * 16_000,
    b"%" * 16_000,
    b"&" * 16_000,
    b"=" * 16_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART, 'multipart/form-data; boundary="'])
def test_hostile_bodies_have_no_field_that_counts(kind: str, body: bytes) -> None:
    assert "List-Unsubscribe" not in read_form(kind, body)


@given(st.text(max_size=60), st.binary(max_size=400))
def test_nothing_is_raised(kind: str, body: bytes) -> None:
    read_form(kind, body)
    read_form("multipart/form-data;boundary=" + kind, body)
