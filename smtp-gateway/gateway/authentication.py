"""The dialogues of AUTH PLAIN, LOGIN and CRAM-MD5 (RFC 4616, 4954, 2195): from a client's lines to one proof.

Only wire work: what a proof is worth, the service says. The user name of PLAIN and LOGIN plays no part (contract
section 3.3). Nothing here is logged, and no reply repeats what the client sent.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chalicelib.domain.errors import Rejected
from chalicelib.domain.reply import Reply
from gateway import replies

USERNAME_PROMPT = "VXNlcm5hbWU6"
PASSWORD_PROMPT = "UGFzc3dvcmQ6"  # noqa: S105  # the prompt, in base64
CRAM_RANDOM_BYTES = 10
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a 334 reply and gives the client's next line, without its line end."""


@dataclass(frozen=True, slots=True)
class KeyProof:
    """The key itself."""

    key: str


@dataclass(frozen=True, slots=True)
class CramProof:
    """A CRAM-MD5 answer."""

    username: str
    challenge: bytes
    digest: str


_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
_BAD_BASE64 = Reply(501, "5.5.2", "Cannot decode base64")
_PROTOCOL = Reply(535, "5.7.8", "Authenticated failed - protocol error")


async def prove(
    mechanism: str, initial: bytes | None, ask: Ask, nonce: bytes, hostname: str
) -> KeyProof | CramProof:
    """Carry one mechanism's dialogue to its proof; Rejected carries the reply when the client breaks it off.

    `initial` is the initial response as sent, `nonce` the random part of a challenge, `hostname` ours.
    """
    if mechanism == "PLAIN":
        return _plain(_decode(initial if initial is not None else await ask(replies.challenge(""))))
    if mechanism == "LOGIN":
        _decode(initial if initial is not None else await ask(replies.challenge(USERNAME_PROMPT)))
        return _key(_decode(await ask(replies.challenge(PASSWORD_PROMPT))))
    challenge = f"<{nonce.hex()}@{hostname}>".encode()
    answer = _decode(await ask(replies.challenge(base64.b64encode(challenge).decode())))
    return _cram(answer, challenge)


def _decode(line: bytes) -> bytes:
    if line == b"*":
        raise Rejected(_CANCELLED.text, reply=_CANCELLED)
    if line == b"=":  # RFC 4954 section 4: an empty initial response
        return b""
    try:
        return base64.b64decode(line.strip(), validate=True)
    except binascii.Error as wrong:
        raise Rejected(_BAD_BASE64.text, reply=_BAD_BASE64) from wrong


def _plain(decoded: bytes) -> KeyProof:
    parts = decoded.split(b"\0")
    if len(parts) != 3:
        raise Rejected(_PROTOCOL.text, reply=_PROTOCOL)
    return _key(parts[2])


def _key(decoded: bytes) -> KeyProof:
    try:
        return KeyProof(decoded.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        raise Rejected(_PROTOCOL.text, reply=_PROTOCOL) from wrong


def _cram(answer: bytes, challenge: bytes) -> CramProof:
    username, space, digest = answer.decode("utf-8", "replace").rpartition(" ")
    if not space:
        raise Rejected(_PROTOCOL.text, reply=_PROTOCOL)
    return CramProof(username, challenge, digest)
