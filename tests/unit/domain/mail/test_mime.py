"""MIME parts as offsets: what is where, what it is called, and what it says."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP, compat32

import pytest

from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import (
    DEEPEST,
    MOST_PARTS,
    Part,
    bodies_and_attachments,
    decode_part,
    part_text,
    read_parts,
)
from chalicelib.domain.mail.parameters import read_parameters
from tests.mail_corpus import samples


def parts_of(content: bytes) -> tuple[Part, ...]:
    return read_parts(content, read_headers(content))


def newsletter() -> bytes:
    """Alternative bodies, an inline picture and two attachments, composed by Python."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "a@example.com"
    message.set_content("Grüße\n")
    message.add_alternative("<p>Grüße</p>\n", subtype="html")
    message.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="bild ü.png")
    message.add_attachment("text\n", filename="notes.txt")
    return message.as_bytes()


def test_a_composed_message_comes_apart() -> None:
    content = newsletter()
    plain, html, attachments = bodies_and_attachments(content)
    assert (plain, html) == ("Grüße\n", "<p>Grüße</p>\n")
    assert [part.filename for part in attachments] == ["bild ü.png", "notes.txt"]
    assert decode_part(content, attachments[0]) == b"\x00\x01"
    assert part_text(content, attachments[1]) == "text\n"
    assert [len(part.within) for part in parts_of(content)] == [2, 2, 1, 1]


def test_a_message_without_mime_is_one_text_part() -> None:
    content = b"Subject: x\r\n\r\nHello\r\n"
    (part,) = parts_of(content)
    assert (part.content_type, part.encoding, part.filename, len(part.within)) == (
        "text/plain",
        "7bit",
        "",
        0,
    )
    assert content[part.start : part.end] == b"Hello\r\n"
    assert bodies_and_attachments(content) == ("Hello\n", None, ())


def multipart(boundary: bytes, body: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue", [b"one", b"two"]),
        (b"preamble\r\n--b\r\n\r\none\r\n--b--", [b"one"]),
        (b"--b\r\n\r\none", [b"one"]),
        (b"--b\r\n\r\none\r\n--b", [b"one", b""]),
        (b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"one"]),
        (b"--b\r\n\r\none\r\n--bb\r\nstill\r\n--b--", [b"one\r\n--bb\r\nstill"]),
        (b"--b\r\n\r\none --b\r\n--b--", [b"one --b"]),
        (b"--b\r\n--b\r\n--b--\r\n", [b"", b""]),
        (b"--b--\r\n", [b"--b--\r\n"]),
        (b"no boundary at all", [b"no boundary at all"]),
    ],
)
def test_delimiters(body: bytes, found: list[bytes]) -> None:
    content = multipart(b"b", body)
    assert [content[part.start : part.end] for part in parts_of(content)] == found


def test_an_inner_boundary_that_starts_like_the_outer_one() -> None:
    inner = multipart(b"bb", b"--bb\r\n\r\none\r\n--bb--\r\n")
    content = multipart(b"b", b"--b\r\n" + inner + b"\r\n--b\r\n\r\ntwo\r\n--b--\r\n")
    assert [content[part.start : part.end] for part in parts_of(content)] == [b"one", b"two"]


def test_a_forwarded_message_is_a_leaf() -> None:
    forwarded = newsletter()
    content = multipart(
        b"b", b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + forwarded + b"\r\n--b--"
    )
    (part,) = parts_of(content)
    assert part.content_type == "message/rfc822"
    assert content[part.start : part.end] == forwarded
    assert bodies_and_attachments(content)[2] == (part,)


def test_a_digest_holds_messages() -> None:
    content = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--"
    )
    assert [part.content_type for part in parts_of(content)] == ["message/rfc822"]


def test_depth_and_number_of_parts_are_limited() -> None:
    deep = b"leaf"
    for level in range(DEEPEST * 3):
        name = b"b%d" % level
        deep = multipart(name, b"--" + name + b"\r\n" + deep + b"\r\n--" + name + b"--\r\n")
    (part,) = parts_of(deep)
    assert len(part.within) == DEEPEST
    many = multipart(b"b", b"--b\r\n\r\nx\r\n" * (MOST_PARTS * 3) + b"--b--")
    assert len(parts_of(many)) == MOST_PARTS - 1


@pytest.mark.parametrize(
    ("encoding", "data", "decoded"),
    [
        (b"base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"BASE64", b"aGVsbG8", b"hello"),
        (b"base64", b"!!aGVs bG8=??aGVs", b"hello"),
        (b"base64", b"aGVsb", b"hel"),
        (b"base64", b"====", b""),
        (b"quoted-printable", b"caf=C3=A9=\r\n!=3D=ZZ", b"caf\xc3\xa9!==ZZ"),
        (b"7bit", b"plain", b"plain"),
        (b"x-unknown", b"plain", b"plain"),
    ],
)
def test_transfer_encodings(encoding: bytes, data: bytes, decoded: bytes) -> None:
    content = b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + data
    (part,) = parts_of(content)
    assert decode_part(content, part) == decoded


@pytest.mark.parametrize(
    ("value", "word", "parameters"),
    [
        (b"text/plain", "text/plain", {}),
        (b"Text/HTML; Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        (b'a/b; name="x;y\\"z"; k=v', "a/b", {"name": 'x;y"z', "k": "v"}),
        (b"a/b; name*=utf-8'en'%e2%82%ac%20x", "a/b", {"name": "€ x"}),
        (b"a/b; n*0*=utf-8''%e2%82; n*1*=%ac; n*2=\" plain\"", "a/b", {"n": "€ plain"}),
        (b"a/b; n*1=b; n*0=a", "a/b", {"n": "ab"}),
        (b"a/b; n*=plain", "a/b", {"n": "plain"}),
        (b'a/b; name="=?utf-8?q?=C3=A9?="', "a/b", {"name": "é"}),
        (b'm/x; boundary="=?utf-8?q?a?="', "m/x", {"boundary": "=?utf-8?q?a?="}),
        (b"a/b; k=1; k=2", "a/b", {"k": "1"}),
        (b"a/b;;; ; = ; k ; x=1", "a/b", {"x": "1"}),
        (b'a/b; k="unclosed', "a/b", {"k": "unclosed"}),
        (b"a/b; k=two words ; x=1", "a/b", {"k": "two words", "x": "1"}),
        (b"", "", {}),
        (b"; k=v", "", {"k": "v"}),
    ],
)
def test_parameters(value: bytes, word: str, parameters: dict[str, str]) -> None:
    assert read_parameters(value) == (word, parameters)


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        (b'attachment; filename="a\x00b\x1f.txt"', "ab.txt"),
        (b"attachment; filename*=utf-8''photo%E2%80%AEgpj.exe", "photogpj.exe"),
        (b"attachment; filename=" + b"x" * 900, "x" * 255),
        (b"attachment", "from-type.txt"),
    ],
)
def test_file_names_are_text_for_people(disposition: bytes, filename: str) -> None:
    content = (
        b'Content-Type: text/plain; name="from-type.txt"\r\nContent-Disposition: '
        + disposition
        + b"\r\n\r\nx"
    )
    assert parts_of(content)[0].filename == filename


def test_a_broken_content_type_means_plain_text() -> None:
    content = b"Content-Type: nonsense\r\n\r\nHello"
    assert bodies_and_attachments(content)[0] == "Hello"


# In msg_37 delimiter lines follow each other; Python takes them for one, here there is an empty part between them.
SAMPLES = sorted(samples().keys() - {"msg_37.txt"})


@pytest.mark.parametrize(
    "name", SAMPLES or [pytest.param("", marks=pytest.mark.skip("this Python has no samples"))]
)
def test_samples_have_the_leaves_that_python_sees(name: str) -> None:
    content = samples()[name]
    theirs = []
    stack: list[Message] = [message_from_bytes(content, policy=compat32)]
    while stack:
        entity = stack.pop()
        children = entity.get_payload()
        if entity.get_content_maintype() == "multipart" and isinstance(children, list):
            stack += [child for child in reversed(children) if isinstance(child, Message)]
        else:
            theirs.append(entity.get_content_type())
    assert [part.content_type for part in parts_of(content)] == theirs
