"""Whatever text a client gives, an independent reader gets it back, and the message has no line it should not have."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.domain.compose import Attachment, Draft, Stamp, compose
from chalicelib.domain.headerfield import (
    Mailbox,
    name_fault,
    render_mailboxes,
    render_text,
    text_fault,
    value_fault,
)
from chalicelib.domain.message import (
    bodies_and_attachments,
    decode_part,
    has_bare_newline,
    read_headers,
)

STAMP = Stamp(
    "id@rp.test", "Fri, 22 Mar 2024 12:00:00 +0000", "=_mixed9", "=_alternative9", "=_related9"
)
ANY_LINE = st.text(max_size=400).filter(lambda text: text_fault(text) is None)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=2_000)
NAMES = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40
)


def unfolded(field: bytes) -> list[bytes]:
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(line[:1] in (b" ", b"\t") for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    return lines


@given(ANY_LINE)
def test_subjects_read_back(text: str) -> None:
    field = render_text("Subject", text)
    unfolded(field)
    assert read_headers(field + b"\r\n").last_text("subject") == text.strip(" \t").replace(
        "\t", " "
    )


@given(NAMES.filter(lambda name: name_fault(name) is None), st.text(max_size=300))
def test_a_field_that_passed_the_checks_is_exactly_one_field(name: str, value: str) -> None:
    if value_fault(value) is not None:
        return
    headers = read_headers(render_text(name, value) + b"\r\n")
    assert [field.name for field in headers.fields] == [name.lower().encode()]


@given(st.lists(ANY_LINE.map(str.strip), min_size=1, max_size=5))
def test_display_names_never_add_or_hide_an_address(names: list[str]) -> None:
    mailboxes = [Mailbox(name, f"user{n}@example.com") for n, name in enumerate(names)]
    field = render_mailboxes("To", mailboxes)
    unfolded(field)
    parsed: Any = BytesParser(policy=policy.default).parsebytes(field + b"\r\n")["to"]
    assert [address.addr_spec for address in parsed.addresses] == [
        mailbox.address for mailbox in mailboxes
    ]


@given(ANY_TEXT, ANY_TEXT, st.binary(max_size=500))
def test_bodies_and_files_read_back(plain: str, html: str, file: bytes) -> None:
    assume(plain.strip() or html.strip())
    draft = Draft(
        Mailbox("", "a@acme.test"),
        text=plain,
        html=html,
        attachments=(Attachment("f", "application/octet-stream", file),),
    )
    content = compose(draft, STAMP)
    assert not has_bare_newline(content)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    text, page, parts = bodies_and_attachments(content)
    assert text == (normal(plain) if plain.strip() else None)
    assert page == (normal(html) if html.strip() else None)
    assert [decode_part(content, part) for part in parts] == [file]


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
