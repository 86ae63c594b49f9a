"""Fuzz targets: fields and records of strangers are read, or refused, and questions to DNS come to an end."""

from __future__ import annotations

import contextlib

from chalicelib.domain.incoming.arc_chain import BrokenChain, newest, read_chain
from chalicelib.domain.incoming.dmarc_check import author_domain, check_dmarc
from chalicelib.domain.incoming.key_record import read_key
from chalicelib.domain.incoming.signed_field import SignatureError, hash_body, read_dkim
from chalicelib.domain.incoming.spf_check import check_spf
from chalicelib.domain.incoming.tag_list import read_tags, without_signature
from chalicelib.domain.inspection import DkimSignature, Spf
from chalicelib.domain.mail.headers import read_headers
from tests.asked import answered

SEEDS = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=a.example; s=x; t=1; h=from:to; bh=AAAA; b=AAAA\r\n"
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=x; b=AAAA\r\n"
    b"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=x; h=from; bh=AAAA; b=AAAA\r\n"
    b"ARC-Authentication-Results: i=1; a.example; none\r\nFrom: a@a.example\r\n\r\nHi\r\n",
    b"v=spf1 a mx/24//64 include:b.example exists:%{ir}.%{l1r+-}.c.example redirect=%{d} ip4:192.0.2.0/24 -all",
    b"v=DMARC1; p=reject; sp=none; np=quarantine; psd=y; t=y; adkim=s; rua=mailto:a@a.example",
    b"v=DKIM1; k=rsa; h=sha256; s=email; t=s; p=AAAA",
)
WORDS = (
    b"; ", b"=", b"\r\n ", b"\r\n", b"i=1", b"i=2", b"cv=fail", b"l=1", b"x=9", b"b=", b"bh=", b"h=", b":", b"%{", b"}",
    b"ARC-Seal: ", b"DKIM-Signature: ", b"From: ", b"include:", b"redirect=", b"ptr", b"exists:", b"/", b"//", b"%_",
    b"psd=n", b"v=spf1 ", b"v=DMARC1;", b"\x00", b"\xff",
)  # fmt: skip


def fuzz_signed_fields(data: bytes) -> None:
    """Signatures and chains."""
    headers = read_headers(data)
    for field in headers.fields:
        assert len(without_signature(field.value)) <= len(field.value)
        if field.name == b"dkim-signature":
            with contextlib.suppress(SignatureError):
                signed = read_dkim(field)
                assert b"from" in signed.names
                signed.header_digest(data, {b"from": [field]})
                hash_body(data, headers.body_at, signed.body)
    with contextlib.suppress(BrokenChain):
        chain = read_chain(data, headers.fields, 2e9)
        assert chain is None or 1 <= len(chain.seals) <= 50
    assert 0 <= newest(headers.fields)[0] < 1_000


def fuzz_policies(data: bytes) -> None:
    """What is published: key records, SPF, DMARC. Every name has it."""
    text = data.decode("utf-8", "replace")
    read_tags(text)
    with contextlib.suppress(SignatureError):
        assert read_key([text], "rsa-sha256").public
    everywhere = _Everywhere(text)
    spf = answered(check_spf("192.0.2.1", "a@a.example", "h.example"), everywhere)
    assert spf.result in {
        *("pass", "fail", "softfail", "neutral"),
        *("none", "permerror", "temperror"),
    }
    found = (DkimSignature("pass", "x.b.a.example", "s"),)
    dmarc = answered(check_dmarc("b.a.example", Spf("pass", "a.example"), found), everywhere)
    assert dmarc.result in ("none", "pass", "fail")
    domain = author_domain(read_headers(data))
    assert domain is None or domain.isascii()


class _Everywhere(dict[tuple[str, str], tuple[str, ...] | None]):
    """The same text at every name, which has an address, a host and a reverse name besides."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def get(self, key: tuple[str, str], default: object = None) -> tuple[str, ...]:  # type: ignore[override]
        return (self._text,) if key[0] == "TXT" else ("192.0.2.2",)
