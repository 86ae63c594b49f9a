"""Whether what is published in DNS will do, and what to do where it does not: statuses and texts of contract section 8.

Pure: the look-ups are somebody else's, their answers are arguments here. Work is linear in the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.domain.dns import spf
from chalicelib.domain.dns.dmarc import records_among
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy.findings import LONGEST_FOUND, Finding, Purpose, RecordStatus, kept

Judgement = tuple[RecordStatus, str]
"""What a look at a record found, and what is wrong; no text when it is right."""

_RIGHT: Judgement = (RecordStatus.OK, "")
_ADVICE = {
    Purpose.DMARC: "DMARC",
    Purpose.MTA_STS: "MTA-STS",
    Purpose.TLS_RPT: "TLS-RPT",
    Purpose.BIMI: "BIMI",
}
_BEGINNINGS = {
    Purpose.MTA_STS: re.compile(r"v[ \t]*=[ \t]*STSv1[ \t]*(?:;|$)"),
    Purpose.TLS_RPT: re.compile(r"v[ \t]*=[ \t]*TLSRPTv1[ \t]*(?:;|$)"),
    Purpose.BIMI: re.compile(r"v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|$)"),
}


def compare(record: DnsRecord, found: Sequence[str], look_ups: int = 0) -> Finding:
    """Whether what is published under the name of a record will do.

    `found` are the values there of the record's kind. `look_ups` is how many an SPF policy takes in all.
    """
    if record.purpose is Purpose.SPF:
        return _spf(record, found, look_ups)
    status, text = _JUDGES[record.purpose](record, found)
    return _finding(record, status, text, _told(record, found))


def unknown(record: DnsRecord, text: str) -> Finding:
    """What is known of a record when nobody answers."""
    return _finding(record, RecordStatus.UNKNOWN, text, ())


def compare_mx(records: Sequence[DnsRecord], found: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of the records of one MX, one for each host."""
    hosts = {_mx_host(value) for value in found}
    missing = [one for one in records if _mx_host(one.value) not in hosts]
    told = kept(found)
    return tuple(
        _finding(
            one,
            *(_mx_judgement(records, missing, found) if one in missing else _RIGHT),
            told,
            value=one.value,
        )
        for one in records
    )


def compare_dmarc(record: DnsRecord, found: Sequence[str], *, parent_has_one: bool) -> Finding:
    """The finding of a domain's DMARC record: a parent's counts where there is none of its own."""
    if parent_has_one and not records_among(found):
        return _finding(record, *_RIGHT, kept(found))
    return compare(record, found)


def is_of(finding: Finding, record: DnsRecord) -> bool:
    """Whether this was found for that record."""
    same = (finding.purpose, finding.name) == (record.purpose, record.name)
    return same and finding.value in (None, record.value)


def _finding(
    record: DnsRecord,
    status: RecordStatus,
    text: str,
    found: tuple[str, ...],
    value: str | None = None,
) -> Finding:
    return Finding(record.purpose, record.name, status, text, found, value=value)


def _told(record: DnsRecord, found: Sequence[str]) -> tuple[str, ...]:
    """What is shown of it: of texts that stand beside others of all kinds, those of this one."""
    if record.purpose is Purpose.OWNERSHIP:
        prefix = record.value.partition(" ")[0]
        return kept(one for one in found if one.startswith(prefix))
    return kept(found)


def _ownership(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """The text is there, exactly."""
    if record.value in found:
        return _RIGHT
    return (
        RecordStatus.MISSING,
        "We couldn't verify your domain. Please double check you've added the TXT record correctly.",
    )


def _spf(record: DnsRecord, found: Sequence[str], look_ups: int) -> Finding:
    """The one policy includes ours, and takes no more look-ups than receivers make."""
    policies = spf.policies(found)
    included = next(term.domain for term in spf.terms(record.value) if term.name == "include")
    told = kept(policies)
    if not policies:
        text = "No SPF record exists for this domain"
        return _finding(record, RecordStatus.MISSING, text, told)
    if len(policies) > 1:
        text = f"There are {len(policies)} SPF records for {record.name}. There should only be one."
        return _finding(record, RecordStatus.INVALID, text, told)
    (policy,) = policies
    if not spf.includes(policy, included):
        text = f"An SPF record exists but it doesn't include {included}"
        suggestion = spf.with_include(policy, included)
        bare = _finding(record, RecordStatus.INVALID, text, told)
        return replace(bare, suggestion=suggestion if len(suggestion) <= LONGEST_FOUND else None)
    if look_ups > spf.MOST_LOOK_UPS:
        text = (
            f"The SPF record of {record.name} takes {look_ups} DNS look-ups. "
            f"There should be at most {spf.MOST_LOOK_UPS}."
        )
        return _finding(record, RecordStatus.INVALID, text, told)
    return _finding(record, *_RIGHT, told)


def _key(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """Compared literally, but for white space and the final semicolon."""
    name = record.name
    if not found:
        return RecordStatus.MISSING, f"No TXT records were returned for {name}"
    if len(found) > 1:
        # "for at" is Postal's own wording, which contract section 8 has to the letter.
        text = f"There are {len(found)} records for at {name}. There should only be one."
        return RecordStatus.INVALID, text
    # The order in which earlier releases had an Ed25519 key published.
    earlier = record.value.replace("t=s; h=sha256; k=ed25519;", "k=ed25519; t=s; h=sha256;")
    if _bare(found[0]) in {_bare(record.value), _bare(earlier)}:
        return _RIGHT
    return (
        RecordStatus.INVALID,
        f"The DKIM record at {name} does not match the record we have provided. "
        "Please check it has been copied correctly.",
    )


def _bare(text: str) -> str:
    return "".join(text.split()).removesuffix(";")


def _alias(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """The CNAME points to us."""
    if not found:
        what = "return path record" if record.purpose is Purpose.RETURN_PATH else "record"
        return RecordStatus.MISSING, f"There is no {what} at {record.name}"
    if found[0].lower().rstrip(".") == record.value.lower():
        return _RIGHT
    return (
        RecordStatus.INVALID,
        f"There is a CNAME record at {record.name} but it points to {found[0]} which is incorrect. "
        f"It should point to {record.value}.",
    )


def _mx_judgement(
    records: Sequence[DnsRecord], missing: Sequence[DnsRecord], found: Sequence[str]
) -> Judgement:
    """What is wrong for each host that is missing."""
    if not found:
        return RecordStatus.MISSING, f"There are no MX records for {records[0].name}"
    if len(missing) == len(records):
        return RecordStatus.MISSING, "You have MX records but none of them point to us."
    *most, last = (_mx_host(one.value) for one in missing)
    names = f"{', '.join(most)} and {last}" if most else last
    return RecordStatus.INVALID, f"MX record(s) for {names} are missing and are required."


def _mx_host(value: str) -> str:
    return value.partition(" ")[2].lower().rstrip(".")


def _advice(record: DnsRecord, found: Sequence[str]) -> Judgement:
    """One record of its kind is there; what it says is the owner's choice."""
    what = _ADVICE[record.purpose]
    beginning = _BEGINNINGS.get(record.purpose)
    ours = [one for one in found if beginning.match(one)] if beginning else records_among(found)
    if not ours:
        return RecordStatus.MISSING, f"There is no {what} record at {record.name}"
    if len(ours) > 1:
        return (
            RecordStatus.INVALID,
            f"There are {len(ours)} {what} records at {record.name}. There should only be one.",
        )
    return _RIGHT


_JUDGES: dict[Purpose, Callable[[DnsRecord, Sequence[str]], Judgement]] = {
    Purpose.OWNERSHIP: _ownership,
    Purpose.DKIM_RSA: _key,
    Purpose.DKIM_ED25519: _key,
    Purpose.RETURN_PATH: _alias,
    Purpose.DMARC: _advice,
    Purpose.MTA_STS: _advice,
    Purpose.TLS_RPT: _advice,
    Purpose.BIMI: _advice,
    Purpose.TRACK: _alias,
}
