"""The verdicts on what is published, with the texts of contract section 8."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns.compare import compare, compare_dmarc, compare_mx
from chalicelib.domain.dns.records import dkim_text, records_for
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from tests.unit.domain.dns.test_records import DOMAIN, ED, NAMES, RSA

ALL = records_for(DOMAIN, NAMES)
RECORDS = {record.purpose: record for record in ALL if record.purpose is not Purpose.MX}
MX = [record for record in ALL if record.purpose is Purpose.MX]
OURS = "include:spf.ph.example"
ADVICE = {
    Purpose.DMARC: "DMARC",
    Purpose.MTA_STS: "MTA-STS",
    Purpose.TLS_RPT: "TLS-RPT",
    Purpose.BIMI: "BIMI",
}


def verdict_on(purpose: Purpose, *found: str, look_ups: int = 0) -> Finding:
    finding = compare(RECORDS[purpose], found, look_ups)
    assert (finding.text == "") == (finding.status is RecordStatus.OK)
    assert (finding.purpose, finding.name) == (purpose, RECORDS[purpose].name)
    return finding


@pytest.mark.parametrize("purpose", RECORDS)
def test_what_was_published_is_right(purpose: Purpose) -> None:
    finding = verdict_on(purpose, RECORDS[purpose].value)
    assert (finding.status, finding.found) == ("OK", (RECORDS[purpose].value,))


@pytest.mark.parametrize("purpose", [Purpose.OWNERSHIP, Purpose.SPF, *ADVICE])
def test_other_texts_may_stand_beside_it(purpose: Purpose) -> None:
    assert verdict_on(purpose, "x", RECORDS[purpose].value).status == "OK"


@pytest.mark.parametrize("purpose", [Purpose.OWNERSHIP, Purpose.SPF])
def test_of_other_texts_at_the_domain_nothing_is_told(purpose: Purpose) -> None:
    value = RECORDS[purpose].value
    assert verdict_on(purpose, "google-site-verification=x", value).found == (value,)
    assert verdict_on(purpose, "google-site-verification=x").found == ()


@pytest.mark.parametrize("key", [RSA, ED])
def test_white_space_and_the_final_semicolon_of_a_key_do_not_matter(key: object) -> None:
    purpose = Purpose.DKIM_RSA if key is RSA else Purpose.DKIM_ED25519
    text = RECORDS[purpose].value
    for same in (text.removesuffix(";"), text.replace("; ", ";"), text.replace("p=", " p= \t")):
        assert verdict_on(purpose, same).status == "OK"
    for other in (text + text, text.upper(), f"{text};", text.replace("t=s; ", ""), f"x{text}"):
        assert verdict_on(purpose, other).status == "Invalid"


def test_an_ed25519_key_may_be_published_as_earlier_releases_had_it() -> None:
    assert (
        verdict_on(Purpose.DKIM_ED25519, "v=DKIM1; k=ed25519; t=s; h=sha256; p=11qY;").status
        == "OK"
    )
    assert verdict_on(Purpose.DKIM_ED25519, "v=DKIM1; t=s; h=sha256; p=11qY;").status == "Invalid"


def test_key_verdicts() -> None:
    name = "posthorn-abcdef._domainkey.acme.example"
    assert verdict_on(Purpose.DKIM_RSA).text == f"No TXT records were returned for {name}"
    assert (
        verdict_on(Purpose.DKIM_RSA, dkim_text(RSA), "x").text
        == f"There are 2 records for at {name}. There should only be one."
    )
    assert verdict_on(Purpose.DKIM_RSA, dkim_text(replace(RSA, public="other"))).text == (
        f"The DKIM record at {name} does not match the record we have provided. "
        "Please check it has been copied correctly."
    )


@pytest.mark.parametrize(
    ("texts", "status", "text"),
    [
        ([], "Missing", "No SPF record exists for this domain"),
        (
            ["hello", "v=spf10 -all", " v=spf1 -all"],
            "Missing",
            "No SPF record exists for this domain",
        ),
        (["v=spf1 -all"], "Invalid", "An SPF record exists but it doesn't include spf.ph.example"),
        (["V=SPF1 INCLUDE:spf.ph.example. -ALL"], "OK", ""),
        (
            ["v=spf1 -all", f"v=spf1 {OURS} -all"],
            "Invalid",
            "There are 2 SPF records for acme.example. There should only be one.",
        ),
    ],
)
def test_spf_verdicts(texts: list[str], status: str, text: str) -> None:
    finding = verdict_on(Purpose.SPF, *texts)
    assert (finding.status, finding.text) == (status, text)


def test_an_spf_record_may_take_ten_look_ups() -> None:
    policy = f"v=spf1 {OURS} ~all"
    assert verdict_on(Purpose.SPF, policy, look_ups=10).status == "OK"
    finding = verdict_on(Purpose.SPF, policy, look_ups=11)
    assert (finding.status, finding.text, finding.suggestion) == (
        "Invalid",
        "The SPF record of acme.example takes 11 DNS look-ups. There should be at most 10.",
        None,
    )


def test_an_spf_record_without_ours_comes_with_what_to_publish_in_its_place() -> None:
    finding = verdict_on(Purpose.SPF, "x", "v=spf1 include:_spf.example.net -all")
    assert finding.found == ("v=spf1 include:_spf.example.net -all",)
    assert finding.suggestion == f"v=spf1 include:_spf.example.net {OURS} -all"
    assert verdict_on(Purpose.SPF, f"v=spf1 {'ip4:192.0.2.1 ' * 200}-all").suggestion is None


def test_return_path_verdicts() -> None:
    assert (
        verdict_on(Purpose.RETURN_PATH).text
        == "There is no return path record at psrp.acme.example"
    )
    assert verdict_on(Purpose.RETURN_PATH, "RP.ph.example.").status == "OK"
    assert verdict_on(Purpose.RETURN_PATH, "elsewhere.example").text == (
        "There is a CNAME record at psrp.acme.example but it points to elsewhere.example which is incorrect. "
        "It should point to rp.ph.example."
    )


@pytest.mark.parametrize(
    ("found", "statuses", "text"),
    [
        ((), ["Missing", "Missing"], "There are no MX records for acme.example"),
        (
            ("10 mx.example.com",),
            ["Missing", "Missing"],
            "You have MX records but none of them point to us.",
        ),
        (
            ("5 MX2.ph.example.", "10 mx.example.com"),
            ["Invalid", "OK"],
            "MX record(s) for mx1.ph.example are missing and are required.",
        ),
        (("20 mx1.ph.example", "10 mx2.ph.example"), ["OK", "OK"], ""),
    ],
)
def test_mx_verdicts(found: tuple[str, ...], statuses: list[str], text: str) -> None:
    findings = compare_mx(MX, found)
    assert [one.status for one in findings] == statuses
    assert [one.value for one in findings] == ["10 mx1.ph.example", "10 mx2.ph.example"]
    assert {one.text for one in findings if one.status != "OK"} <= {text}
    assert {one.found for one in findings} == {found}


def test_an_mx_names_every_host_that_is_missing() -> None:
    more = [replace(MX[0], value=f"10 mx{number}.ph.example") for number in range(1, 5)]
    text = "MX record(s) for mx1.ph.example, mx2.ph.example and mx4.ph.example are missing and are required."
    findings = compare_mx(more, ["10 mx3.ph.example"])
    assert [one.text for one in findings] == [text, text, "", text]


@pytest.mark.parametrize("purpose", ADVICE)
def test_advice(purpose: Purpose) -> None:
    what, record = ADVICE[purpose], RECORDS[purpose]
    assert not record.required
    missing = verdict_on(purpose, "something else")
    assert (missing.status, missing.text) == (
        "Missing",
        f"There is no {what} record at {record.name}",
    )
    own = record.value.replace("; ", " ;").replace("none", "reject")
    assert verdict_on(purpose, own).status == "OK"
    twice = verdict_on(purpose, record.value, own)
    assert (twice.status, twice.text) == (
        "Invalid",
        f"There are 2 {what} records at {record.name}. There should only be one.",
    )


def test_a_parents_dmarc_record_counts_where_there_is_none() -> None:
    record = RECORDS[Purpose.DMARC]
    finding = compare_dmarc(record, ["x"], parent_has_one=True)
    assert (finding.status, finding.text, finding.found) == ("OK", "", ("x",))
    assert compare_dmarc(record, [record.value] * 2, parent_has_one=True).status == "Invalid"
    assert compare_dmarc(record, [], parent_has_one=False).status == "Missing"


@pytest.mark.parametrize(
    "token", ["", "posthorn-verification", f"posthorn-verification {'T' * 31}", f"x {'T' * 32}"]
)
def test_ownership_is_compared_exactly(token: str) -> None:
    assert verdict_on(Purpose.OWNERSHIP, token).status == "Missing"


@given(st.sampled_from(list(RECORDS)), st.lists(st.text(max_size=300), max_size=12))
def test_whatever_is_published_there_is_a_verdict(purpose: Purpose, found: list[str]) -> None:
    verdict_on(purpose, *found)
    compare_mx(MX, found)
