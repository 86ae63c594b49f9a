"""Signatures, chains and policies of strangers are read in linear time, and a megabyte of them in a tenth of a second
(attacks A26, A30)."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable

import pytest

from chalicelib.adapters.crypto.signature_check import CryptographySignatureCheck
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.incoming.arc_chain import BrokenChain, newest, read_chain
from chalicelib.domain.incoming.key_record import read_key
from chalicelib.domain.incoming.signed_field import BodyForm, SignatureError, hash_body
from chalicelib.domain.incoming.spf_record import SpfError, read_record
from chalicelib.domain.incoming.tag_list import read_tags, without_signature
from chalicelib.domain.mail.headers import read_headers
from chalicelib.services.incoming.signatures import Signatures, SignedMessage
from tests.dkim_keys import AT, KEYS, RECORDS, signed
from tests.growth import assert_linear

LARGE = 1 << 18
SEEDS = [
    b" ", b"\t", b"\r\n ", b" \r\n", b";", b"; ", b"b", b"b ", b"; b ", b";b=", b"=", b"a=b;", b":", b"h=",
    b"%", b"%{", b"%{d}", b"a.", b"-", b"/", b"//", b"ip4:", b"a ", b"all ", b"x=y ", b"A", b"AAAA ", b"\xff", b"\x00",
]  # fmt: skip


def text(data: bytes) -> str:
    return data.decode("latin-1")


def quiet(run: Callable[[bytes], object]) -> Callable[[bytes], object]:
    def silent(data: bytes) -> object:
        with contextlib.suppress(SignatureError, SpfError, BrokenChain):
            return run(data)
        return None

    return silent


def chain(data: bytes) -> object:
    content = b"ARC-Seal: i=1;" + data + b"\r\nARC-Message-Signature: i=1; b=" + data + b"\r\n\r\n"
    fields = read_headers(content).fields
    newest(fields)
    return read_chain(content, fields, 2e9)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "tags": lambda data: read_tags(text(data)[:65_536]),
    "without signature": without_signature,
    "key": lambda data: read_key([text(data)], "rsa-sha256"),
    "spf": lambda data: read_record(f"v=spf1 {text(data)}"[:16_384]),
    "spf domain": lambda data: read_record(f"v=spf1 a:{text(data)}"[:16_384]),
    "chain": chain,
    "simple body": lambda data: hash_body(data, 0, BodyForm(False, None)),
    "relaxed body": lambda data: hash_body(data, 0, BodyForm(True, 5)),
}
# What is cut before it is read is slowest at that length.
LARGE_FOR = {"tags": 65_536, "spf": 16_384, "spf domain": 16_384}


@pytest.mark.parametrize("name", PARSERS)
def test_time_is_linear(name: str) -> None:
    run, large = quiet(PARSERS[name]), LARGE_FOR.get(name, LARGE)
    for seed in SEEDS:
        whole = (seed * (large // len(seed) + 1))[:large]
        assert_linear(run, whole[: large // 4], whole)


def mail_of_a_megabyte() -> dict[str, bytes]:
    """What would cost most: many signatures, chains, names to look for, fields to hash."""
    (field,) = signed(b"From: a@example.com\r\n\r\nHi\r\n", keys=KEYS[:1])
    names = b":".join([b"x"] * 20_000)
    many = b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.com; s=r1; h=from:%s; bh=AAAA; b=AAAA\r\n"
    sets = b"".join(
        b"ARC-Seal: i=%d; a=rsa-sha256; cv=%s; d=example.com; s=r1; b=AAAA\r\n"
        b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=example.com; s=r1; h=from; bh=AAAA; b=AAAA\r\n"
        b"ARC-Authentication-Results: i=%d; %s\r\n"
        % (number, b"pass" if number > 1 else b"none", number, number, b"\t " * 9_000)
        for number in range(1, 51)
    )
    body = b"\r\n\r\n" + b" \t" * 400_000
    return {
        "signatures": field * 2_000 + b"From: a@example.com" + body,
        "names": (many % names) * 12 + b"X: y\r\n" * 9_000 + b"From: a@example.com" + body,
        "sets": sets + b"From: a@example.com\r\n\r\nHi\r\n",
        "white space": field + b"From: a@example.com" + b"\r\n " * 300_000 + b"x" + body,
        "empty lines": field + b"From: a@example.com\r\n\r\n" + b"\r\n" * 500_000,
    }


@pytest.mark.parametrize("name", mail_of_a_megabyte())
async def test_a_megabyte_costs_a_tenth_of_a_second(name: str) -> None:
    content = mail_of_a_megabyte()[name]
    zone = {key: {"TXT": [record]} for key, record in RECORDS.items()}
    signatures = Signatures(ScriptedResolver(zone), CryptographySignatureCheck())

    async def look() -> None:
        message = SignedMessage(content, read_headers(content))
        await signatures.dkim(message, AT + 60.0)
        await signatures.arc(message, AT + 60.0)

    seconds = []
    for _ in range(3):
        began = time.process_time()
        await look()
        seconds.append(time.process_time() - began)
    assert min(seconds) * 1e6 / len(content) < 0.1
    tracemalloc.start()
    try:
        await look()
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
