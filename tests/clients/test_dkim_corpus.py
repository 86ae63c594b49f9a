"""Signatures over messages that nobody here wrote, judged by verifiers that nobody here wrote."""

from __future__ import annotations

import base64

import pytest

from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mending import mended
from chalicelib.domain.mail.own_fields import additions
from tests.dkim_keys import KEYS, RECORDS, signed
from tests.dkim_verifiers import verifier
from tests.mail_corpus import well_formed_samples

pytestmark = pytest.mark.clients
VERIFIERS = ["dkimpy", "Mail::DKIM", "mailauth", "opendkim"]


def as_received(content: bytes) -> bytes:
    """A message as the last server has it: SMTP ends the last line (RFC 5321 §4.1.1.4)."""
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def as_sent(content: bytes) -> bytes:
    """A message with everything that is put in front of an outgoing one."""
    front = additions(
        read_headers(content),
        token="0123456789abcdef",
        message_id="1@example.com",
        date="Fri, 22 Mar 2024 12:00:00 +0000",
        resent_sender="x@rp.example.com",
    )
    sent = b"".join(front.assemble(signed(content, front.below_signatures), content))
    assert sent.endswith(content)
    return sent


def expected(name: str) -> set[tuple[str, str]]:
    """Both signers, but Debian's Mail::DKIM knows RSA only."""
    known = KEYS[:1] if name == "Mail::DKIM" else KEYS
    return {(key.domain, key.selector) for key in known}


@pytest.mark.parametrize("name", VERIFIERS)
def test_every_sample_verifies(name: str) -> None:
    verify = verifier(name)
    samples = well_formed_samples()
    verdicts = verify([as_received(as_sent(content)) for content in samples.values()], RECORDS)
    assert len(verdicts) == len(samples) > 40
    passed = {
        sample: {key for key, verdict in found.items() if verdict == "pass"}
        for sample, found in zip(samples, verdicts, strict=True)
    }
    assert passed == {sample: expected(name) for sample in samples}


@pytest.mark.parametrize("name", VERIFIERS)
def test_every_changed_sample_fails(name: str) -> None:
    verify = verifier(name)
    changed = [
        as_received(as_sent(content)) + b"One more line.\r\n"
        for content in well_formed_samples().values()
    ]
    verdicts = verify(changed, RECORDS)
    assert [found for found in verdicts if "pass" in found.values()] == []


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize(
    "added",
    ["From: x@evil.example", "Subject: Win", "To: y@evil.example", "Reply-To: z@evil.example", "Date: now",
     "Content-Type: text/html", "MIME-Version: 1.0", "Cc: a@evil.example", "Message-ID: <2@evil.example>",
     "Content-Transfer-Encoding: base64"],
)  # fmt: skip
def test_an_oversigned_field_cannot_be_added(name: str, added: str) -> None:
    content = (
        b"From: a@example.com\r\nSubject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\nHello.\r\n"
    )
    sent = as_sent(content)
    forged = added.encode() + b"\r\n" + sent
    genuine, replayed = verifier(name)([sent, forged], RECORDS)
    assert "pass" in genuine.values()
    assert "pass" not in replayed.values()


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("header", [b"", b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"])
def test_a_relay_may_say_how_a_body_is_encoded_that_did_not(name: str, header: bytes) -> None:
    sent = as_sent(b"From: a@example.com\r\n" + header + b"\r\nHello.\r\n")
    added = b"Content-Transfer-Encoding: 7bit\r\n"
    added += b"" if header else b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
    (verdict,) = verifier(name)([added + sent], RECORDS)
    assert expected(name) <= {key for key, one in verdict.items() if one == "pass"}


@pytest.mark.parametrize("name", VERIFIERS)
def test_what_was_mended_verifies(name: str) -> None:
    given = [
        b"From a@example.com Sat Jan  1 00:00:00 2022\r\nFrom: a@example.com\r\n\r\nHi\r\n",
        b"From: a@example.com\r\nSubject: x\r\nDear John,\r\n\r\nHi: you\r\n",
        b"From: a@example.com\r\nT\xc3\xb6: x\r\nDate:\r\n\r\nHi\r\n",
        b"From: a@example.com\r\nMessage-ID: <>\r\nDate:\r\nBcc: b@example.com\r\n\r\nHi\r\n",
    ]
    sent = [as_sent(mended(content, (b"bcc",))[0]) for content in given]
    verdicts = verifier(name)(sent, RECORDS)
    assert len(verdicts) == len(given)
    for verdict in verdicts:
        assert expected(name) <= {key for key, one in verdict.items() if one == "pass"}


BODIES = {
    "empty": b"",
    "one CRLF": b"\r\n",
    "many CRLFs": b"\r\n" * 300,
    "no last CRLF": b"Hello.",
    "spaces at the end": b"Hello. \t ",
    "only white space": b" \t \r\n\t\r\n",
    "trailing white-space lines": b"Hello.\r\n \r\n\t\r\n\r\n",
    "tabs and runs": b"a\tb  c \t d" + b" " * 700 + b"e\r\n",
    "leading empty lines": b"\r\n\r\nHello.\r\n",
    "long line": b"x" * 20_000 + b"\r\n",
    "bytes": bytes(set(range(256)) - {0, 10, 13}) + b"\r\n",
    "base64": base64.encodebytes(b"hello" * 300).replace(b"\n", b"\r\n"),
}
HEADERS = {
    "plain": b"From: a@example.com\r\n",
    "folded": b"From: a@example.com\r\nSubject: one\r\n two\r\n\tthree  four \r\nTo:\r\n b@example.net\r\n",
    "duplicates": b"From: a@example.com\r\nFrom: b@example.com\r\nSubject: 1\r\nSubject: 2\r\nX-A: b\r\n",
    "eight bit": "From: Zoë <a@example.com>\r\nSubject: café\r\n".encode(),
    "odd case and empty": b"FROM:a@example.com\r\nsubJECT:\r\nlist-unsubscribe: <https://x.example>\r\n",
    "twenty-five of a kind": b"From: a@example.com\r\n" + b"List-Id: x\r\n" * 25,
}


@pytest.mark.parametrize("name", VERIFIERS)
def test_every_shape_of_header_and_body_verifies(name: str) -> None:
    shapes = [(header, body) for header in HEADERS for body in BODIES]
    messages = [as_received(as_sent(HEADERS[h] + b"\r\n" + BODIES[b])) for h, b in shapes]
    verdicts = verifier(name)(messages, RECORDS)
    failed = {
        shape: found
        for shape, found in zip(shapes, verdicts, strict=True)
        if not expected(name) <= {key for key, verdict in found.items() if verdict == "pass"}
    }
    assert failed == {}


# mailauth takes a message without an empty line for one without header fields.
@pytest.mark.parametrize("name", [name for name in VERIFIERS if name != "mailauth"])
def test_a_message_without_body_or_empty_line_verifies(name: str) -> None:
    sent = as_sent(b"From: a@example.com\r\nSubject: Hello")
    (verdict,) = verifier(name)([as_received(sent)], RECORDS)
    assert expected(name) <= {key for key, one in verdict.items() if one == "pass"}
