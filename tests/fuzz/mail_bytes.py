"""Fuzz targets of the mail-byte parsers."""

from __future__ import annotations

import hashlib

from chalicelib.domain import ids
from chalicelib.domain.mail import dkim
from chalicelib.domain.mail.address import LONGEST_FIELD, addresses_in, split_list, split_mailbox
from chalicelib.domain.mail.content import MOST_FIELDS, read_content
from chalicelib.domain.mail.eight_bit import seven_bit
from chalicelib.domain.mail.encoded_words import decode_header, has_harmful_word, hides_line_break
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mailbox import domain_of, envelope_address
from chalicelib.domain.mail.mending import mended
from chalicelib.domain.mail.mime import bodies_and_attachments, decode_part, read_parts
from chalicelib.domain.mail.newlines import has_bare_newline, normalise_newlines
from chalicelib.domain.mail.parameters import read_parameters
from chalicelib.domain.mail.replies import split_reply
from tests.mail_corpus import samples

SEEDS = (
    b"From: A <a@example.com>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?b?w6k=?=\r\n\r\nHello \r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n",
    b'a/b; name*0*=utf-8\'\'%e2%82; name*1*=%ac; n="x\\"y"',
    b'G: "Doe, J" <j@x.example>, (c(d)) k@[IPv6:::1];, <@r:l@m>',
    "hans@straße.test".encode(),
    *samples().values(),
)
WORDS = (
    b"\r\n", b"\r\n\r\n", b"\r\n ", b"=?", b"?q?", b"?=", b"--b", b"--", b"boundary=", b"Content-Type: ", b"From: ",
    b"@", b"<", b">", b"(", b")", b'"', b"\\", b";", b"*0*=", b"utf-8''", b"  ", b"\t", b" \r\n", b"\x00", b"\xff",
    b"multipart/", b"xn--", "ß".encode(), "。".encode(), "\uff20".encode(), b"Message-ID:", b"Date:", b"8bit",
    b"Content-Transfer-Encoding: ", b"MIME-Version: 1.0\r\n",
)  # fmt: skip


def fuzz_header(data: bytes) -> None:
    """Fields lie inside the block, in order; texts can be encoded."""
    headers = read_headers(data)
    at = 0
    for field in headers.fields:
        assert at <= field.start < field.end <= headers.body_at <= len(data)
        at = field.end
    for texts in headers.texts().values():
        "".join(texts).encode()
    normal = normalise_newlines(data)
    assert not has_bare_newline(normal)


def fuzz_encoded_words(data: bytes) -> None:
    """A header value becomes one line of text that is not longer."""
    text = decode_header(data)
    assert len(text) <= len(data)
    assert "\r" not in text
    assert "\n" not in text
    text.encode()
    if not has_harmful_word(data.decode("latin-1")):
        assert not hides_line_break(data)


def fuzz_content(data: bytes) -> None:
    """What is shown is text that can be encoded, and attachments that lie inside the message."""
    found = read_content(data)
    assert len(found.fields) <= MOST_FIELDS
    for field in found.fields:
        (field.name + field.value).encode()
        assert "\n" not in field.value
    for text in filter(None, (found.text, found.html)):
        text.encode()
        assert "\r" not in text
        reply, quoted = split_reply(text)
        assert len(reply) + len(quoted or "") <= 2 * len(text)
    for at, one in enumerate(found.attachments):
        assert one.index == at
        assert 0 <= one.part.start <= one.part.end <= len(data)


def fuzz_mime(data: bytes) -> None:
    """Leaves are in order, inside, not more than allowed, and can be decoded."""
    headers = read_headers(data)
    at = headers.body_at
    parts = read_parts(data, headers)
    assert 1 <= len(parts) <= 1_000
    for part in parts:
        assert at <= part.start <= part.end <= len(data)
        assert len(decode_part(data, part)) <= part.end - part.start
        at = part.end
    bodies_and_attachments(data)


def fuzz_seven_bit(data: bytes) -> None:
    """A message that can be converted is ASCII, and its parts decode to what they were."""
    content = normalise_newlines(data)
    made = seven_bit(content)
    if made is None:
        return
    assert made.isascii()
    before, after = (read_parts(each, read_headers(each)) for each in (content, made))
    assert [decode_part(content, part) for part in before] == [
        decode_part(made, part) for part in after
    ]


def fuzz_mending(data: bytes) -> None:
    """A message is mended once; its header is fields, its body is the end of what was given."""
    content = normalise_newlines(data)
    made, headers = mended(content)
    assert mended(made)[0] is made
    if content[:1] in (b" ", b"\t"):  # refused before
        return
    assert content.endswith(made[headers.body_at :])
    if not headers.truncated:
        assert sum(each.end - each.start for each in headers.fields) in (
            headers.body_at,
            headers.body_at - 2,
        )


def fuzz_parameters(data: bytes) -> None:
    """A word and parameters that are clean text."""
    word, parameters = read_parameters(data)
    assert word == word.strip()
    "".join(parameters.values()).encode()


def fuzz_address(data: bytes) -> None:
    """What passes for a mailbox can stand on an SMTP line and stays what it is, and lists come apart."""
    text = data.decode("utf-8", "replace")[:LONGEST_FIELD]
    for address in (*addresses_in(text), *split_list(text), *(split_mailbox(text) or ()), text):
        domain_of(address)
        mailbox = envelope_address(address)
        if mailbox is not None:
            assert not set(mailbox) & set("<>\r\n\x00")
            assert len(mailbox.encode()) <= 254
            assert envelope_address(mailbox) == mailbox
            assert domain_of(mailbox) == domain_of(address) != ""


def fuzz_dkim(data: bytes) -> None:
    """The body hash is that of the canonical body, however it is reached; the field has no foreign line."""
    canonical = dkim.prepare(data, (b"Date: x\r\n",))
    body = data[read_headers(data).body_at :]
    hashed = hashlib.sha256(dkim.relaxed_body(body)).digest()
    signing = dkim.signing_input(canonical, "example.com", "s", "rsa-sha256", 1)
    field = dkim.finish(signing, hashed)
    assert dkim.relaxed_body(dkim.relaxed_body(body)) == dkim.relaxed_body(body)
    assert all(line[:1] == b"\t" for line in field.split(b"\r\n")[1:-1])
    assert len(field) < 20_000


def fuzz_tokens(data: bytes) -> None:
    """Strangers' texts are no tokens, or tokens that are written the same way."""
    text = data.decode("latin-1")
    token = ids.read_return_path_local(text, b"key")
    assert token is None or ids.return_path_local(token, b"key") == text.lower()
    ids.read_token(text)
    ids.is_new_key(text)
