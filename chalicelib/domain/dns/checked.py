"""A domain and its state after a check: what it may do now, which keys sign, what there is to tell (api.md 2.6).

What name servers did not answer changes nothing. Pure; applied to a value that changed meanwhile, a check changes only
what it looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.dns.records import key_name
from chalicelib.domain.durations import DAY
from chalicelib.domain.tenancy.dkim_key import ED25519, DkimKey
from chalicelib.domain.tenancy.domain_states import DnsEvent, DomainState, ToldEvent
from chalicelib.domain.tenancy.domains import Domain, VerifiedBy
from chalicelib.domain.tenancy.findings import BAD, Finding, Purpose, RecordStatus

LAPSE_SECONDS = 7 * DAY
LAPSE_CHECKS = 24
RETIRED_SECONDS = 7 * DAY
MOST_RETIRED = 10
HOUR = 3_600
SLACK_SECONDS = 300  # schedules are not exact
MOST_EVENTS = 30


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found, and when; `hourly` is one that nobody asked for."""

    findings: tuple[Finding, ...]
    at: int
    hourly: bool = False

    def statuses(self, purpose: Purpose) -> list[RecordStatus]:
        """Of the records of a purpose, in their order."""
        return [one.status for one in self.findings if one.purpose is purpose]

    def of_key(self, key: DkimKey) -> RecordStatus | None:
        """Of a key's record; None when it was not looked for."""
        name = key_name(key)
        return next((one.status for one in self.findings if one.name == name), None)


def checked_domain(domain: Domain, state: DomainState, check: Check) -> Domain:
    """The domain after a check that left its state so."""
    domain = _rotated(_with_keys(domain, check), check)
    rsa = [check.of_key(key) for key in domain.keys if key.algorithm != ED25519]
    return_path = check.statuses(Purpose.RETURN_PATH)
    return _proven(
        replace(
            domain,
            dkim_ok=_after(domain.dkim_ok, rsa),
            return_path_ok=_after(domain.return_path_ok, return_path),
        ),
        state,
        check,
    )


def checked_state(state: DomainState, domain: Domain, check: Check) -> DomainState:
    """The state after a check of a domain that was so before."""
    state = _counted(
        replace(
            state,
            checked_at=check.at,
            hour_began_at=_hour(state, check),
            findings=check.findings,
        ),
        domain,
        check,
    )
    after = checked_domain(domain, state, check)
    records_ok = _records_ok(after, check)
    if records_ok is not None:
        state = replace(state, records_ok=records_ok)
    is_good = _is_good(after, records_ok, check)
    if check.hourly and domain.server_id is not None and is_good is not None:
        state = _told(state, check.at, is_good=is_good)
    return state


def has_lapsed(state: DomainState) -> bool:
    """Whether the proof of the owner is lost: every check of 7 days, 24 at least, missed the record."""
    if state.missing_since is None or state.checked_at is None:
        return False
    seconds = state.checked_at - state.missing_since
    return state.missing_checks >= LAPSE_CHECKS and seconds >= LAPSE_SECONDS


def lapses_at(state: DomainState) -> int | None:
    """When the proof will be lost if nothing changes; None when the record is there, or none is needed."""
    if state.missing_since is None or state.checked_at is None:
        return None
    checks = max(0, LAPSE_CHECKS - state.missing_checks)
    return max(state.missing_since + LAPSE_SECONDS, state.checked_at + checks * HOUR)


def next_check_at(state: DomainState) -> int | None:
    """When it is checked without being asked for; None before the first check."""
    return None if state.hour_began_at is None else state.hour_began_at + HOUR


def is_due(state: DomainState, now: int) -> bool:
    """Whether it is to be checked without being asked for."""
    began = state.hour_began_at
    return began is not None and hour_is_over(began, now)


def hour_is_over(began: int, now: int) -> bool:
    """Whether an hour has passed but for SLACK_SECONDS, or the clock was set back since."""
    return not -SLACK_SECONDS < now - began < HOUR - SLACK_SECONDS


def _hour(state: DomainState, check: Check) -> int:
    """Checks by hand do not put the hourly ones off."""
    if check.hourly or state.hour_began_at is None:
        return check.at
    return state.hour_began_at


def _counted(state: DomainState, domain: Domain, check: Check) -> DomainState:
    """With what was found of the record that proved the owner, if one did."""
    found = check.statuses(Purpose.OWNERSHIP)
    if domain.verified_by is not VerifiedBy.RECORD or RecordStatus.OK in found:
        return replace(state, missing_since=None, missing_checks=0)
    if BAD.isdisjoint(found):
        return state
    since = check.at if state.missing_since is None else state.missing_since
    return replace(state, missing_since=since, missing_checks=state.missing_checks + 1)


def _proven(domain: Domain, state: DomainState, check: Check) -> Domain:
    """Verified once the record is there; no more when that was missing for too long."""
    if RecordStatus.OK in check.statuses(Purpose.OWNERSHIP):
        by = domain.verified_by or VerifiedBy.RECORD
        return replace(domain, verified_at=domain.verified_at or check.at, verified_by=by)
    if domain.verified_by is VerifiedBy.RECORD and has_lapsed(state):
        return replace(domain, verified_at=None, verified_by=None)
    return domain


def _with_keys(domain: Domain, check: Check) -> Domain:
    return replace(
        domain,
        keys=tuple(_looked_for(domain.keys, check)),
        next_keys=tuple(_looked_for(domain.next_keys, check)),
        retired_keys=tuple(_looked_for(domain.retired_keys, check)),
    )


def _looked_for(keys: Iterable[DkimKey], check: Check) -> Iterable[DkimKey]:
    for key in keys:
        status = check.of_key(key)
        is_known = status is not None and status is not RecordStatus.UNKNOWN
        yield replace(key, ok=status is RecordStatus.OK) if is_known else key


def _rotated(domain: Domain, check: Check) -> Domain:
    """The next keys sign from the first check on that finds them all; the old ones stay known for a time."""
    keys, next_keys, retired = domain.keys, domain.next_keys, domain.retired_keys
    found = [check.of_key(key) for key in next_keys]
    if found and set(found) == {RecordStatus.OK}:
        retired += tuple(replace(key, wrapped=b"", retired_at=check.at) for key in keys)
        keys, next_keys = next_keys, ()
    kept = [key for key in retired if check.at - (key.retired_at or 0) < RETIRED_SECONDS]
    return replace(domain, keys=keys, next_keys=next_keys, retired_keys=tuple(kept[-MOST_RETIRED:]))


def _after(before: bool, statuses: Sequence[RecordStatus | None]) -> bool:
    """True when all the records are right, False when one is wrong, as before when that cannot be said."""
    if not BAD.isdisjoint(statuses):
        return False
    return before or (bool(statuses) and set(statuses) == {RecordStatus.OK})


def _records_ok(domain: Domain, check: Check) -> bool | None:
    """Whether the records are as they should be to send (contract section 1.5); None when that cannot be said."""
    rsa = (check.of_key(key) for key in domain.keys if key.algorithm != ED25519)
    needed = [*check.statuses(Purpose.SPF), *rsa]
    others = [*check.statuses(Purpose.MX), *check.statuses(Purpose.RETURN_PATH)]
    if not BAD.isdisjoint(needed) or RecordStatus.INVALID in others:
        return False
    return None if {RecordStatus.UNKNOWN, None} & {*needed, *others} else True


def _is_good(domain: Domain, records_ok: bool | None, check: Check) -> bool | None:
    """Whether a domain that was checked so is good; None when that cannot be said."""
    owner_unknown = RecordStatus.UNKNOWN in check.statuses(Purpose.OWNERSHIP)
    if records_ok is False or (domain.verified_at is None and not owner_unknown):
        return False
    return records_ok if domain.verified_at is not None else None


def _told(state: DomainState, at: int, *, is_good: bool) -> DomainState:
    """With what there is to tell, once when it goes wrong and once when it is right again."""
    if is_good:
        kind = DnsEvent.RECOVERED if state.failed_since is not None else None
    else:
        kind = DnsEvent.FAILED if state.failed_since is None else DnsEvent.STILL_FAILED
    new = () if kind is None else (ToldEvent(kind, at),)
    events = (*(one for one in state.events if at - one.at < DAY), *new)[-MOST_EVENTS:]
    since = None if is_good else (at if state.failed_since is None else state.failed_since)
    return replace(state, events=events, failed_since=since)
