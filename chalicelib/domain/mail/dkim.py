"""DKIM signing on bytes: relaxed/relaxed, rsa-sha256 and ed25519-sha256 from one canonicalisation.

RFC 6376, 8463 and 8301. `prepare` reads a message once, `signing_input` makes field and digest for one key, `finish`
adds the signature that the private key made of the digest. What is signed is `b"".join([*prefix_fields, content])`,
which is what must be sent, below the finished field. Time and memory are linear in the message, on white space and
empty lines too, and no more than a piece of the body is copied at a time. Nothing here verifies, holds a key or reads
the clock. There is no `l=` (it lets others append), no `x=` and no `i=`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chalicelib.domain.mail.headers import MOST_FIELDS, find_body

ALGORITHMS = ("rsa-sha256", "ed25519-sha256")

# One entry more than there are fields in h=, so that none can be added later (RFC 6376 §8.15): of what people are shown
# always; of what relays add to a message that lacks it, and of what a click acts by, only where there is one to be
# contradicted.
OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"reply-to")
OVERSIGNED_WHERE_PRESENT = (
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
# Contract 4.11, and the fields that mailbox providers want covered.
SIGNED = frozenset((*OVERSIGNED, *OVERSIGNED_WHERE_PRESENT)) | {
    b"sender",
    b"resent-to",
    b"resent-cc",
    b"resent-from",
    b"resent-sender",
    b"resent-message-id",
    b"in-reply-to",
    b"references",
    b"list-id",
    b"list-help",
    b"list-owner",
    b"list-subscribe",
    b"list-post",
    b"feedback-id",
    b"cfbl-address",
}
# A field repeated more often is signed from the bottom up to this number, to keep h= short on hostile mail.
MOST_OF_ONE_NAME = 20

_RUN_OF_SPACE = re.compile(rb" +")
_LONG_RUN = b" " * 256
_SHORT_RUNS = (b" " * 16, b"  ")
_TABS_TO_SPACES = bytes.maketrans(b"\t", b" ")
_EMPTY_LINES = tuple(b"\r\n" * count for count in (65_536, 256, 1))
_TAG_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LINE = 72
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Canonical:
    """A message made ready for any number of signatures. `header_hash` has taken in the canonical signed fields;
    `body_hash` and `names` are the values of `bh=` and `h=`, the latter folded."""

    body_hash: bytes
    names: bytes
    header_hash: hashlib._Hash


@dataclass(frozen=True, slots=True)
class SigningInput:
    """`unsigned` is the DKIM-Signature field up to and including `b=`; `digest` is the SHA-256 that the key signs."""

    unsigned: bytes
    digest: bytes


def prepare(content: bytes, prefix_fields: Sequence[bytes] = ()) -> Canonical:
    """Canonicalise a message that will be sent with `prefix_fields` (each complete with CRLF) in front of it."""
    body_at = find_body(content, 0, len(content))
    # Read again with the prefix, because a first line that begins with a space continues the field put before it.
    block = b"".join([*prefix_fields, content[:body_at]])
    header_hash = hashlib.sha256()
    names = _choose_and_hash(header_hash, block)
    body_hash = base64.b64encode(body_digest(content, body_at))
    return Canonical(body_hash, _folded_names(tuple(names)), header_hash)


def signing_input(
    canonical: Canonical, domain: str, selector: str, algorithm: str, at: int
) -> SigningInput:
    """The field and digest for one key. `domain` and `selector` are ASCII (A-labels), `at` is epoch seconds.

    Raises ValueError for a domain, selector or algorithm that cannot stand in a tag list.
    """
    value = b"%s\r\n\tt=%d; h=%s;\r\n\tbh=%s;\r\n\tb=" % (
        _first_tags(domain, selector, algorithm),
        at,
        canonical.names,
        canonical.body_hash,
    )
    header_hash = canonical.header_hash.copy()
    header_hash.update(b"dkim-signature:" + b" ".join(value.split()))
    return SigningInput(b"DKIM-Signature: " + value, header_hash.digest())


def finish(signing: SigningInput, signature: bytes) -> bytes:
    """The complete, folded DKIM-Signature field with its CRLF."""
    text = base64.b64encode(signature)
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return signing.unsigned + b"\r\n\t ".join(lines) + b"\r\n"


def relaxed_header(block: bytes) -> bytes:
    """A header block by RFC 6376 §3.4.2 but for letter case and the space after the colon: unfolded, runs of space and
    tab as one space, none at line ends."""
    block = block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return _without_extra_space(block) if _has_extra_space(block, 0) else block


def relaxed_body(body: bytes) -> bytes:
    """A body by RFC 6376 §3.4.4, as one byte string. `body_digest` hashes the same without copying where it can."""
    body = _without_extra_space(body)
    end = _end_without_empty_lines(body, 0)
    return body[:end] + (b"" if end == 0 or body.endswith(b"\r\n", 0, end) else b"\r\n")


def _choose_and_hash(header_hash: hashlib._Hash, block: bytes) -> list[bytes]:
    """Hash the canonical signed fields; returns their names in the order of h=: from the bottom up, because of several
    fields with one name the lowest is meant first (RFC 6376 §5.4.2), then once more what is oversigned."""
    names: list[bytes] = []
    canonical: list[bytes] = []
    times: dict[bytes, int] = {}
    for field in reversed(relaxed_header(block).split(b"\r\n", MOST_FIELDS)):
        name, colon, value = field.partition(b":")
        name = name.rstrip(b" ").lower()
        if not colon or name not in SIGNED:
            continue
        seen = times[name] = times.get(name, 0) + 1
        if seen <= MOST_OF_ONE_NAME:
            names.append(name)
            canonical.append(b"%s:%s\r\n" % (name, value.strip(b" ")))
    header_hash.update(b"".join(canonical))
    oversigned = [*OVERSIGNED, *(name for name in OVERSIGNED_WHERE_PRESENT if name in times)]
    return names + [name for name in oversigned if times.get(name, 0) <= MOST_OF_ONE_NAME]


@lru_cache(maxsize=1_000)
def _first_tags(domain: str, selector: str, algorithm: str) -> bytes:
    if not _TAG_VALUE.fullmatch(domain) or not _TAG_VALUE.fullmatch(selector):
        raise ValueError(f"{domain!r} with selector {selector!r} cannot sign")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no DKIM algorithm {algorithm!r}")
    tags = f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};"
    return tags.encode("ascii")


@lru_cache(maxsize=1_000)
def _folded_names(names: tuple[bytes, ...]) -> bytes:
    """The value of h=. Most mail of a sender has the same fields, so this is seldom computed."""
    lines, line = [], b""
    for name in names:
        if len(line) + len(name) > _LINE:
            lines.append(line)
            line = b""
        line += name + b":"
    return b"\r\n\t ".join([*lines, line]).removesuffix(b":")


def body_digest(content: bytes, at: int, hash_name: str = "sha256") -> bytes:
    """The hash of a body by RFC 6376 §3.4.4."""
    digest = hashlib.new(hash_name)
    if not _has_extra_space(content, at):
        end = _end_without_empty_lines(content, at)
        digest.update(memoryview(content)[at:end])
        if end > at and not content.endswith(b"\r\n", at, end):
            digest.update(b"\r\n")
        return digest.digest()
    kept, empty_lines = b"", 0
    for piece in _pieces(content, at):
        clean = _without_extra_space(piece)
        end = _end_without_empty_lines(clean, 0)
        if end:
            _add_empty_lines(digest, empty_lines)
            kept, empty_lines = clean[:end], 0
            digest.update(kept)
        empty_lines += (len(clean) - end) // 2
    if kept and not kept.endswith(b"\r\n"):
        digest.update(b"\r\n")
    return digest.digest()


def relaxed_length(content: bytes, at: int) -> int:
    """How many octets of the body from `at` on `body_digest` hashes, of which a piece at a time is copied."""
    length, empty_lines, ends_line = 0, 0, True
    for piece in _pieces(content, at):
        clean = _without_extra_space(piece)
        end = _end_without_empty_lines(clean, 0)
        if end:
            length += empty_lines + end
            empty_lines, ends_line = 0, clean.endswith(b"\r\n", 0, end)
        empty_lines += len(clean) - end
    return length + (0 if ends_line else 2)


def _pieces(content: bytes, at: int) -> Iterator[bytes]:
    """Whole lines from `at` on, so many together that the copy of one piece is small beside a large message."""
    while at < len(content):
        found = content.find(b"\r\n", at + _PIECE)
        end = len(content) if found < 0 else found + 2
        yield content[at:end]
        at = end


def _add_empty_lines(digest: hashlib._Hash, count: int) -> None:
    """Empty lines after which something follows."""
    while count > 0:
        digest.update(b"\r\n" * min(count, _PIECE))
        count -= _PIECE


def _has_extra_space(content: bytes, at: int) -> bool:
    return (
        content.find(b"  ", at) >= 0
        or content.find(b"\t", at) >= 0
        or content.find(b" \r\n", at) >= 0
        or content.endswith(b" ", at)
    )


def _without_extra_space(body: bytes) -> bytes:
    """Runs of white space as one space, none at line ends.

    Replacing pairs of spaces until none is left is fastest on ordinary text, and takes one pass for each doubling of a
    run's length; so long runs are cut out one by one first.
    """
    if b"\t" in body:
        body = body.translate(_TABS_TO_SPACES)
    if _LONG_RUN in body:
        body = _without_long_runs(body)
    for run in _SHORT_RUNS:
        while run in body:
            body = body.replace(run, b" ")
    return body.replace(b" \r\n", b"\r\n").removesuffix(b" ")


def _without_long_runs(body: bytes) -> bytes:
    kept, at = [], 0
    while (start := body.find(_LONG_RUN, at)) >= 0:
        run = _RUN_OF_SPACE.match(body, start)
        kept.append(body[at : start + 1])
        at = run.end() if run else len(body)
    return b"".join([*kept, body[at:]])


def _end_without_empty_lines(body: bytes, at: int) -> int:
    """Where the body from `at` ends once empty lines at its end are ignored; the last line keeps its CRLF."""
    end = len(body)
    for empty in _EMPTY_LINES:
        while body.endswith(empty, at, end):
            end -= len(empty)
    if end == at:
        return at  # nothing but empty lines
    return end + 2 if body.startswith(b"\r\n", end) else end
