"""What a check makes of a domain and its state: proof and lapse, keys, what there is to tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.dns.checked import (
    MOST_RETIRED,
    Check,
    checked_domain,
    checked_state,
    is_due,
    lapses_at,
    next_check_at,
)
from chalicelib.domain.dns.compare import unknown
from chalicelib.domain.dns.records import records_for
from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.domains import Domain, VerifiedBy
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus
from tests.unit.domain.dns.test_records import DOMAIN, ED, NAMES, RSA

NOW = 1_800_000_000
HOUR = 3_600
OWN = replace(DOMAIN, server_id=ServerId(7))
FRESH = DomainState.of(OWN)
PROVEN = replace(OWN, verified_at=5, verified_by=VerifiedBy.RECORD, dkim_ok=True)
BAD, GONE, AWAY = RecordStatus.INVALID, RecordStatus.MISSING, RecordStatus.UNKNOWN


def look(
    domain: Domain,
    at: int = NOW,
    *,
    hourly: bool = False,
    **statuses: RecordStatus,
) -> Check:
    """A check that found everything right but what is named, by purpose with _ for -."""
    findings = []
    for record in records_for(domain, NAMES):
        status = statuses.get(record.purpose.replace("-", "_"), RecordStatus.OK)
        findings.append(Finding(record.purpose, record.name, status, status.value))
    return Check(tuple(findings), at, hourly)


def after(
    check: Check, domain: Domain = OWN, state: DomainState = FRESH
) -> tuple[Domain, DomainState]:
    known = checked_state(state, domain, check)
    return checked_domain(domain, known, check), known


def test_a_domain_whose_records_are_there_is_proven_and_good() -> None:
    domain, state = after(look(OWN))
    assert (domain.verified_at, domain.verified_by) == (NOW, VerifiedBy.RECORD)
    assert (domain.dkim_ok, domain.return_path_ok, state.records_ok) == (True, True, True)
    assert [key.ok for key in domain.keys] == [True, True]
    assert (state.checked_at, next_check_at(state), lapses_at(state)) == (NOW, NOW + HOUR, None)


@pytest.mark.parametrize(
    ("statuses", "dkim", "return_path", "records"),
    [
        ({"dkim_ed25519": BAD}, True, True, True),
        ({"dkim_rsa": BAD}, False, True, False),
        ({"dkim_rsa": GONE}, False, True, False),
        ({"spf": GONE}, True, True, False),
        ({"return_path": GONE}, True, False, True),
        ({"return_path": BAD}, True, False, False),
        ({"mx": GONE}, True, True, True),
        ({"mx": BAD}, True, True, False),
        ({"dmarc": BAD, "mta_sts": GONE, "tls_rpt": GONE, "bimi": BAD}, True, True, True),
        ({"ownership": GONE}, True, True, True),
    ],
)
def test_what_each_record_decides(
    statuses: dict[str, RecordStatus], dkim: bool, return_path: bool, records: bool
) -> None:
    domain, state = after(look(OWN, **statuses))
    assert (domain.dkim_ok, domain.return_path_ok, state.records_ok) == (dkim, return_path, records)
    assert (domain.verified_at is None) == ("ownership" in statuses)


@pytest.mark.parametrize("before", [True, False])
def test_what_nobody_answers_changes_nothing(before: bool) -> None:
    known = replace(PROVEN, dkim_ok=before, return_path_ok=before)
    state = replace(FRESH, records_ok=before, missing_since=3, missing_checks=2)
    records = records_for(known, NAMES)
    check = Check(tuple(unknown(one, "away") for one in records), NOW, hourly=True)
    domain, seen = after(check, known, state)
    assert domain == known
    assert seen == replace(state, checked_at=NOW, hour_began_at=NOW, findings=check.findings)


def test_a_record_that_is_wrong_counts_whoever_else_does_not_answer() -> None:
    known = replace(PROVEN, return_path_ok=True)
    state = replace(FRESH, records_ok=True)
    _, seen = after(look(known, spf=BAD, dkim_rsa=AWAY), known, state)
    assert not seen.records_ok
    _, seen = after(look(known, spf=AWAY), known, state)
    assert seen.records_ok


def test_an_ed25519_key_signs_while_its_record_is_right() -> None:
    domain, _ = after(look(OWN))
    assert [key.selector for key in domain.signing_keys] == [RSA.selector, ED.selector]
    domain, _ = after(look(OWN, dkim_ed25519=GONE))
    assert [key.selector for key in domain.signing_keys] == [RSA.selector]
    domain, _ = after(look(OWN, dkim_ed25519=AWAY), domain)
    assert [key.selector for key in domain.signing_keys] == [RSA.selector]
    domain, _ = after(look(OWN, dkim_rsa=GONE))
    assert domain.signing_keys == ()
    assert replace(OWN, dkim_ok=True).signing_keys == OWN.keys  # as an earlier release left it


def gone_for(hours: list[int], domain: Domain = PROVEN) -> tuple[Domain, DomainState]:
    state = FRESH
    for hour in hours:
        domain, state = after(look(domain, NOW + hour * HOUR, ownership=GONE), domain, state)
    return domain, state


def test_a_proof_lapses_when_its_record_was_gone_for_seven_days() -> None:
    domain, state = gone_for([*range(24), 167])
    assert domain.verified_at == 5
    assert lapses_at(state) == NOW + 7 * DAY
    domain, _ = gone_for([*range(24), 168])
    assert (domain.verified_at, domain.verified_by) == (None, None)


def test_a_proof_lapses_after_twenty_four_checks_at_least() -> None:
    domain, state = gone_for([0, *range(200, 222)])
    assert domain.verified_at == 5
    assert lapses_at(state) == NOW + 222 * HOUR
    domain, _ = gone_for([0, *range(200, 223)])
    assert domain.verified_at is None


def test_one_check_that_finds_the_record_starts_anew_and_silence_does_not_count() -> None:
    domain, state = gone_for(list(range(100)))
    back, seen = after(look(domain, NOW + 100 * HOUR), domain, state)
    assert (seen.missing_since, seen.missing_checks, lapses_at(seen)) == (None, 0, None)
    assert back.verified_at == 5
    _, seen = after(look(domain, NOW + 999 * HOUR, ownership=AWAY), domain, state)
    assert (seen.missing_since, seen.missing_checks) == (NOW, 100)


@pytest.mark.parametrize("by", [VerifiedBy.OPERATOR, VerifiedBy.CODE, None])
def test_what_no_record_proved_is_not_lost_with_one(by: VerifiedBy | None) -> None:
    domain, state = gone_for([*range(24), 168, 400], replace(PROVEN, verified_by=by))
    assert (domain.verified_at, lapses_at(state)) == (5, None)


def test_next_keys_sign_from_the_first_check_that_finds_both() -> None:
    next_keys = (replace(RSA, selector="n", wrapped=b"n"), replace(ED, selector="n-ed"))
    rotating = replace(PROVEN, next_keys=next_keys)
    one = look(rotating)
    some = tuple(each for each in one.findings if not each.name.startswith("n-ed."))
    away = Finding(Purpose.DKIM_ED25519, "n-ed._domainkey.acme.example", AWAY)
    for other in (away, replace(away, status=GONE)):
        domain, _ = after(replace(one, findings=(*some, other)), rotating)
        assert (domain.keys[0].selector, domain.retired_keys) == (RSA.selector, ())
        assert domain.next_keys[0].ok
    domain, _ = after(one, rotating)
    assert [key.selector for key in domain.signing_keys] == ["n", "n-ed"]
    assert domain.next_keys == ()
    assert [(key.selector, key.wrapped, key.retired_at) for key in domain.retired_keys] == [
        (RSA.selector, b"", NOW),
        (ED.selector, b"", NOW),
    ]
    later, _ = after(look(domain, NOW + 7 * DAY - 1), domain)
    assert len(later.retired_keys) == 2
    later, _ = after(look(domain, NOW + 7 * DAY), domain)
    assert later.retired_keys == ()


def test_only_so_many_retired_keys_are_kept() -> None:
    domain = PROVEN
    for number in range(15):
        made = tuple(replace(key, selector=f"{key.algorithm}{number}") for key in (RSA, ED))
        domain, _ = after(look(domain), replace(domain, next_keys=made))
        domain, _ = after(look(domain), domain)
    assert len(domain.retired_keys) == MOST_RETIRED


def events(state: DomainState) -> list[tuple[str, int]]:
    return [(one.kind.value, (one.at - NOW) // HOUR) for one in state.events]


def test_hourly_checks_tell_once_what_went_wrong_and_right_and_each_hour_that_it_is_wrong() -> None:
    state = FRESH
    for hour, wrong in enumerate([False, True, True, False, False, True]):
        statuses = {"spf": BAD} if wrong else {}
        check = look(PROVEN, NOW + hour * HOUR, hourly=True, **statuses)
        _, state = after(check, PROVEN, state)
    assert events(state) == [
        ("domain.dns_failed", 1),
        ("still failed", 2),
        ("domain.dns_recovered", 3),
        ("domain.dns_failed", 5),
    ]
    assert state.failed_since == NOW + 5 * HOUR
    for hour in range(6, 40):
        check = look(PROVEN, NOW + hour * HOUR, hourly=True, spf=BAD)
        _, state = after(check, PROVEN, state)
    assert len(state.events) == 24


def test_checks_by_hand_tell_nothing_and_hide_nothing() -> None:
    _, state = after(look(PROVEN, spf=BAD), PROVEN)
    assert events(state) == []
    _, state = after(look(PROVEN, NOW + HOUR, hourly=True, spf=BAD), PROVEN, state)
    assert events(state) == [("domain.dns_failed", 1)]
    _, state = after(look(PROVEN, NOW + HOUR + 60), PROVEN, state)
    _, state = after(look(PROVEN, NOW + 2 * HOUR, hourly=True), PROVEN, state)
    assert events(state)[1:] == [("domain.dns_recovered", 2)]


def test_the_domain_of_an_organization_tells_nothing() -> None:
    shared = replace(PROVEN, server_id=None)
    _, state = after(look(shared, hourly=True, spf=BAD), shared)
    assert (state.events, state.failed_since) == ((), None)


def test_a_domain_that_is_not_proven_is_not_good() -> None:
    _, state = after(look(OWN, hourly=True, ownership=GONE))
    assert events(state) == [("domain.dns_failed", 0)]
    _, state = after(look(OWN, hourly=True, ownership=AWAY))
    assert events(state) == []


def test_checks_by_hand_do_not_put_the_hour_off() -> None:
    _, state = after(look(OWN))
    for minutes in (30, 55):
        _, state = after(look(OWN, NOW + minutes * 60), OWN, state)
    assert next_check_at(state) == NOW + HOUR
    assert not is_due(FRESH, NOW)
    assert not is_due(state, NOW + HOUR - 600)
    assert is_due(state, NOW + HOUR - 60)
    assert not is_due(state, NOW - 60)
    assert is_due(state, NOW - HOUR)  # the clock was set back
    _, state = after(look(OWN, NOW + HOUR, hourly=True), OWN, state)
    assert next_check_at(state) == NOW + 2 * HOUR
