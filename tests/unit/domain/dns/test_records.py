"""The records to publish, and the verdicts on what is published, with the texts of contract section 8."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns.records import (
    DnsNames,
    Finding,
    Purpose,
    RecordStatus,
    compare,
    dkim_text,
    is_domain_name,
    records_for,
)
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domains import Domain

NAMES = DnsNames("rp.ph.example", "psrp", "posthorn", "posthorn-verification", "spf.ph.example")
RSA = DkimKey("acme.example", "posthorn-abcdef", "rsa-sha256", b"", "MIIB")
ED = DkimKey("acme.example", "posthorn-abcdef-ed", "ed25519-sha256", b"", "11qY")
DOMAIN = Domain("acme.example", OrganizationId(1), None, "u", 0, "T" * 32, "abcdef", (RSA, ED))


def test_the_records_to_publish() -> None:
    records = {record.purpose: record for record in records_for(DOMAIN, NAMES)}
    assert {
        purpose: (record.kind, record.name, record.value) for purpose, record in records.items()
    } == {
        Purpose.OWNERSHIP: ("TXT", "acme.example", f"posthorn-verification {'T' * 32}"),
        Purpose.DKIM_RSA: (
            "TXT",
            "posthorn-abcdef._domainkey.acme.example",
            "v=DKIM1; t=s; h=sha256; p=MIIB;",
        ),
        Purpose.DKIM_ED25519: (
            "TXT",
            "posthorn-abcdef-ed._domainkey.acme.example",
            "v=DKIM1; k=ed25519; t=s; h=sha256; p=11qY;",
        ),
        Purpose.SPF: ("TXT", "acme.example", "v=spf1 a mx include:spf.ph.example ~all"),
        Purpose.RETURN_PATH: ("CNAME", "psrp.acme.example", "rp.ph.example"),
        Purpose.DMARC: ("TXT", "_dmarc.acme.example", "v=DMARC1; p=none"),
    }
    assert [purpose for purpose, record in records.items() if record.required] == [
        Purpose.OWNERSHIP,
        Purpose.DKIM_RSA,
        Purpose.DKIM_ED25519,
    ]


RECORDS = {record.purpose: record for record in records_for(DOMAIN, NAMES)}


def verdict_on(purpose: Purpose, *found: str) -> Finding:
    finding = compare(RECORDS[purpose], found)
    assert (finding.text == "") == (finding.status is RecordStatus.OK)
    assert (finding.purpose, finding.name) == (purpose, RECORDS[purpose].name)
    return finding


@pytest.mark.parametrize("purpose", RECORDS)
def test_what_was_published_is_right(purpose: Purpose) -> None:
    assert verdict_on(purpose, RECORDS[purpose].value).status == "OK"


@pytest.mark.parametrize("purpose", [Purpose.OWNERSHIP, Purpose.SPF])
def test_other_texts_may_stand_beside_it(purpose: Purpose) -> None:
    assert verdict_on(purpose, "x", RECORDS[purpose].value).status == "OK"


def test_the_final_semicolon_of_a_key_is_optional_and_nothing_else() -> None:
    text = dkim_text(RSA)
    assert verdict_on(Purpose.DKIM_RSA, text.removesuffix(";")).status == "OK"
    assert verdict_on(Purpose.DKIM_RSA, text.replace("; ", ";")).status == "Invalid"
    assert verdict_on(Purpose.DKIM_RSA, text + text).status == "Invalid"


def test_key_verdicts() -> None:
    name = "posthorn-abcdef._domainkey.acme.example"
    assert verdict_on(Purpose.DKIM_RSA).text == f"No TXT records were returned for {name}"
    assert (
        verdict_on(Purpose.DKIM_RSA, dkim_text(RSA), "x").text
        == f"There are 2 records at {name}. There should only be one."
    )
    assert verdict_on(Purpose.DKIM_RSA, dkim_text(replace(RSA, public="other"))).text == (
        f"The DKIM record at {name} does not match the record we have provided. "
        "Please check it has been copied correctly."
    )


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        ([], "Missing"),
        (["hello"], "Missing"),
        (["v=spf1 -all"], "Invalid"),
        (["v=spf1 include:spf.ph.example.evil ~all"], "Invalid"),
        (["v=spf1 -all", "V=SPF1 INCLUDE:spf.ph.example -all"], "OK"),
    ],
)
def test_spf_verdicts(texts: list[str], status: str) -> None:
    assert verdict_on(Purpose.SPF, *texts).status == status


def test_return_path_verdicts() -> None:
    assert verdict_on(Purpose.RETURN_PATH).status == "Missing"
    assert verdict_on(Purpose.RETURN_PATH, "RP.ph.example.").status == "OK"
    assert verdict_on(Purpose.RETURN_PATH, "elsewhere.example").text == (
        "There is a CNAME record at psrp.acme.example but it points to elsewhere.example which is incorrect. "
        "It should point to rp.ph.example."
    )


@pytest.mark.parametrize(
    "token", ["", "posthorn-verification", f"posthorn-verification {'T' * 31}", f"x {'T' * 32}"]
)
def test_ownership_is_compared_exactly(token: str) -> None:
    assert verdict_on(Purpose.OWNERSHIP, token).status == "Missing"


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
