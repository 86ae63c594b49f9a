"""Whatever text a client gives, an independent reader gets it back, and the message has no line it should not have."""

from __future__ import annotations

import re
from email import policy
from email.parser import BytesParser
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chalicelib.domain.mail.compose import Attachment, Draft, Stamp, compose
from chalicelib.domain.mail.header_rendering import (
    Mailbox,
    name_fault,
    render_mailboxes,
    render_text,
    text_fault,
    value_fault,
)
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import bodies_and_attachments, decode_part
from chalicelib.domain.mail.newlines import has_bare_newline

STAMP = Stamp(
    "id@rp.test", "Fri, 22 Mar 2024 12:00:00 +0000", "=_mixed9", "=_alternative9", "=_related9"
)
ANY_LINE = st.text(max_size=400).filter(lambda text: text_fault(text) is None)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=2_000)
NAMES = st.text(
    alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


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
    return re.sub("\r+\n|\r", "\n", text)


# What programs take for encoded words, whole and in pieces, and what they stumble over around them.
PIECES = st.sampled_from(
    [
        "=?utf-8?q?", "=?utf-8?b?DQo=?=", "=?utf-8*en?Q?=0A?=", "=?utf-7?q?+AA0ACg-?=", "=?none?q?=0D?=", "=?", "?=",
        "=0D=0A", "=0A", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "=?utf-8?q?caf=C3=A9?=", "=?utf-16be?b?AA0ACg==?=", "=",
        "?", "b@c.de", "<", ">", '"', "\\", "(", ")", ",", ";", ":", "@", "é", "日本", " ", "[", "]", ".", "%0D%0A",
    ]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=8).map("".join)
LOCAL_PARTS = st.sampled_from(["a", '"=?utf-8?q?=0D=0Ax?="', "=?utf-8?q?=0A?=", '"a \\" b"', "=?"])
MAILBOXES = st.builds(lambda name, local: Mailbox(name, f"{local}@acme.test"), HOSTILE, LOCAL_PARTS)
FREE_TEXT_FIELDS = st.sampled_from(
    ["X-A", "References", "In-Reply-To", "Comments", "Keywords", "List-Id"]
)
ADDRESS_FIELDS = st.sampled_from(["Resent-To", "Resent-From", "Disposition-Notification-To"])


@settings(deadline=None)
@given(
    st.lists(MAILBOXES, min_size=2, max_size=3),
    HOSTILE,
    st.tuples(FREE_TEXT_FIELDS, HOSTILE),
    st.tuples(ADDRESS_FIELDS, st.builds(lambda name: f"{name} <a@b.test>", HOSTILE.map(quoted))),
    HOSTILE,
    st.sampled_from([None, "one@acme", "=?utf-8?q?=0D=0A?=@acme"]),
)
def test_an_independent_parser_reads_every_field_and_no_word_hides_a_line_break(
    people: list[Mailbox],
    subject: str,
    free: tuple[str, str],
    addressed: tuple[str, str],
    filename: str,
    content_id: str | None,
) -> None:
    file = Attachment(filename[:255], "application/pdf", b"x", content_id)
    draft = Draft(
        people[0], to=tuple(people[1:]), subject=subject, html="x", headers=(free, addressed), attachments=(file,)
    )  # fmt: skip
    message: Any = BytesParser(policy=policy.default).parsebytes(compose(draft, STAMP))
    shown = [str(value) for part in message.walk() for value in part.values()]
    assert not [text for text in shown if "\r" in text or "\n" in text]
    authors = [(address.username, address.domain) for address in message["from"].addresses]
    assert authors == [(spoken(people[0].address), "acme.test")]
    assert len(message["to"].addresses) == len(people) - 1
    attached = next(part for part in message.walk() if part.get_content_type() == "application/pdf")
    assert not set("\r\n") & set(attached.get_filename() or "")


def spoken(address: str) -> str:
    """The local part without quotes."""
    local = address.rpartition("@")[0]
    return re.sub(r"\\(.)", r"\1", local[1:-1]) if local.startswith('"') else local
