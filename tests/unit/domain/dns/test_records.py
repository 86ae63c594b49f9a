"""The records to publish, and the names that they may have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns.records import DnsNames, is_domain_name, records_for
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain, VerificationMethod
from chalicelib.domain.tenancy.findings import LONGEST_FOUND, MOST_FOUND, MOST_OCTETS, Purpose, kept

NAMES = DnsNames(
    "rp.ph.example",
    "psrp",
    "posthorn",
    "posthorn-verification",
    "spf.ph.example",
    ("mx1.ph.example", "mx2.ph.example"),
)
RSA = DkimKey("acme.example", "posthorn-abcdef", "rsa-sha256", b"", "MIIB")
ED = DkimKey("acme.example", "posthorn-abcdef-ed", "ed25519-sha256", b"", "11qY")
DOMAIN = Domain("acme.example", OrganizationId(1), None, "u", 7, "T" * 32, "abcdef", (RSA, ED))


def test_the_records_to_publish_in_order() -> None:
    assert [(one.purpose, one.kind, one.name, one.value) for one in records_for(DOMAIN, NAMES)] == [
        ("ownership", "TXT", "acme.example", f"posthorn-verification {'T' * 32}"),
        (
            "dkim-rsa",
            "TXT",
            "posthorn-abcdef._domainkey.acme.example",
            "v=DKIM1; t=s; h=sha256; p=MIIB;",
        ),
        (
            "dkim-ed25519",
            "TXT",
            "posthorn-abcdef-ed._domainkey.acme.example",
            "v=DKIM1; t=s; h=sha256; k=ed25519; p=11qY;",
        ),
        ("spf", "TXT", "acme.example", "v=spf1 a mx include:spf.ph.example ~all"),
        ("return-path", "CNAME", "psrp.acme.example", "rp.ph.example"),
        ("mx", "MX", "acme.example", "10 mx1.ph.example"),
        ("mx", "MX", "acme.example", "10 mx2.ph.example"),
        ("dmarc", "TXT", "_dmarc.acme.example", "v=DMARC1; p=none"),
        ("mta-sts", "TXT", "_mta-sts.acme.example", "v=STSv1; id=7;"),
        (
            "tls-rpt",
            "TXT",
            "_smtp._tls.acme.example",
            "v=TLSRPTv1; rua=mailto:postmaster@acme.example",
        ),
        (
            "bimi",
            "TXT",
            "default._bimi.acme.example",
            "v=BIMI1; l=https://acme.example/logo.svg;",
        ),
    ]


def required(domain: Domain) -> set[Purpose]:
    return {record.purpose for record in records_for(domain, NAMES) if record.required}


def test_what_sending_needs_is_required_and_an_mx_where_mail_comes_in() -> None:
    assert required(DOMAIN) == {Purpose.OWNERSHIP, Purpose.DKIM_RSA}
    assert required(replace(DOMAIN, incoming=True)) == required(DOMAIN) | {Purpose.MX}


def test_next_and_retired_keys_are_published_beside_those_that_sign() -> None:
    next_key, old = replace(RSA, selector="posthorn-nextxx"), replace(RSA, selector="posthorn-old")
    rotating = replace(DOMAIN, next_keys=(next_key,), retired_keys=(old,))
    keys = [one for one in records_for(rotating, NAMES) if "_domainkey" in one.name]
    assert [(one.name.partition(".")[0], one.required) for one in keys] == [
        ("posthorn-abcdef", True),
        ("posthorn-abcdef-ed", False),
        ("posthorn-nextxx", False),
        ("posthorn-old", False),
    ]


def test_a_domain_that_is_verified_by_mail_has_no_record_for_it() -> None:
    by_mail = replace(DOMAIN, verification_method=VerificationMethod.EMAIL)
    assert required(by_mail) == {Purpose.DKIM_RSA}


@given(st.lists(st.text(max_size=5_000), max_size=20))
def test_of_what_was_found_a_bounded_part_is_kept(found: list[str]) -> None:
    texts = kept(found)
    assert len(texts) <= MOST_FOUND
    assert all(len(text) <= LONGEST_FOUND for text in texts)
    assert sum(len(text.encode()) for text in texts) <= MOST_OCTETS


def test_what_was_found_is_kept_from_the_first_on() -> None:
    assert kept(["a", "b"]) == ("a", "b")
    assert kept(["é" * 2_000] * 3) == ("é" * 2_000, "é" * 2_000)
    assert kept(["x" * 3_000, "y"]) == ("x" * 2_000, "y")


@pytest.mark.parametrize(
    "name",
    ["example.com", "a.b", "xn--bcher-kva.example", "1.example", "a-b.c-d", "x" * 63 + ".com"],
)
def test_domain_names(name: str) -> None:
    assert is_domain_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "com",
        "a.",
        ".a",
        "A.com",
        "a.com.",
        "a.1",
        "10.0.0.1",
        "a b.c",
        "x" * 64 + ".com",
        "a.b\n",
    ],
)
def test_names_that_are_no_domains(name: str) -> None:
    assert not is_domain_name(name)


@given(st.text())
def test_a_domain_name_has_nothing_that_ends_a_header_or_a_record(name: str) -> None:
    if is_domain_name(name):
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        assert len(name) <= 253
