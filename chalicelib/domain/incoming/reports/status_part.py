"""The machine-readable parts of reports: delivery status (RFC 3464, RFC 6533) and feedback (RFC 5965).

Fields are read as those who write them meant them: with comments, in any case, groups that run into each other. Values
are text for people, without control characters; addresses are lower case. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.incoming.causes import (
    TRANSIENT,
    UNKNOWN,
    cause_of,
    has_basic_code_alone,
)
from chalicelib.domain.incoming.reports.report import (
    LONGEST_DIAGNOSTIC,
    RecipientBlock,
)
from chalicelib.domain.report import ReportKind

MOST_BLOCKS = 25
MOST_LINES = 5_000
LONGEST_VALUE = 2_000
LONGEST_ADDRESS = 320
NO_COMPLAINTS = ("not-spam", "auth-failure")

Fields = dict[str, list[str]]

_FOLD = re.compile(r"\n[ \t]++(?=\S)")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_CODE_POINT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_KINDS = {"failed": ReportKind.BOUNCE, "delayed": ReportKind.DELAY}
_ACTIONS = {
    "failed": "failed", "failure": "failed", "fail": "failed", "error": "failed", "expired": "failed",
    "delayed": "delayed", "delay": "delayed", "deferred": "delayed", "warning": "delayed",
    "delivered": "delivered", "relayed": "relayed", "expanded": "expanded",
}  # fmt: skip


def read_groups(text: str) -> list[Fields]:
    """The groups of fields, which empty lines part; one that names a final recipient twice is two."""
    groups: list[Fields] = [{}]
    for line in _FOLD.sub(" ", text).split("\n")[:MOST_LINES]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        is_next = name == "final-recipient" and name in groups[-1]
        if groups[-1] and (is_next or not line.strip()):
            groups.append({})
        if colon and name:
            groups[-1].setdefault(name, []).append(value.strip()[:LONGEST_VALUE])
        if len(groups) > MOST_BLOCKS:
            break
    return [group for group in groups if group]


def read_blocks(text: str, explained: str) -> Iterator[RecipientBlock]:
    """The recipients of a status part. `explained` is what the report tells people, for causes that the part does not
    tell."""
    for group in read_groups(text):
        if not group.keys() & {"final-recipient", "original-recipient", "action"}:
            continue
        names = [
            read_address(value)
            for field in ("final-recipient", "original-recipient", "x-actual-recipient")
            for value in group.get(field, ())
        ]
        known = tuple(dict.fromkeys(name for name in names if name))
        comment = _value(group, "status") or ""
        status = _first(_STATUS.findall(comment))
        action = _action(_value(group, "action"), status)
        kind = _KINDS.get(action)
        diagnostic = _value(group, "diagnostic-code")
        yield RecipientBlock(
            recipient=known[0] if known else None,
            names=known,
            kind=kind,
            action=action,
            status=status,
            diagnostic=diagnostic[:LONGEST_DIAGNOSTIC] if diagnostic else None,
            remote_mta=_after_type(_value(group, "remote-mta")),
            cause=cause_told(status or "", diagnostic or comment, explained) if kind else None,
        )


def cause_told(status: str, diagnostic: str, explained: str) -> str:
    """The cause by the codes and the answer of the other side, or else by what people are told. Where the answer has no
    enhanced code, the status was made from its basic code, and its words say more."""
    asked = [("", diagnostic)] if has_basic_code_alone(diagnostic) else []
    asked += [(status, diagnostic), (status, explained)]
    causes = [cause_of(0, code, text) for code, text in asked]
    return next((one for one in causes if one not in (UNKNOWN, TRANSIENT)), causes[-2])


def read_address(value: str) -> str:
    """The address of `rfc822; bob@example.com`, `utf-8; …` with its escapes (RFC 6533 section 3), or a bare one."""
    if ";" in value:
        kind, _, rest = value.partition(";")
        value = rest if "@" not in kind else value
    value = _CODE_POINT.sub(_character, value[:LONGEST_ADDRESS])
    return value.strip().strip("<>").strip().lower()


def read_feedback(text: str) -> tuple[RecipientBlock, str, str | None]:
    """The block of a complaint, its type, and where the message came from."""
    fields: Fields = {}
    for group in read_groups(text):
        for name, values in group.items():
            fields.setdefault(name, []).extend(values)
    feedback_type = (_value(fields, "feedback-type") or "abuse").lower()[:50]
    names = [
        read_address(value)
        for field in ("original-rcpt-to", "removal-recipient", "final-recipient")
        for value in fields.get(field, ())
    ]
    known = tuple(dict.fromkeys(name for name in names if name))
    kind = None if feedback_type in NO_COMPLAINTS else ReportKind.COMPLAINT
    block = RecipientBlock(known[0] if known else None, known, kind, cause=kind and "complaint")
    source = _value(fields, "source-ip")
    return block, feedback_type, source[:45].strip("[]") if source else None


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if 0x20 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _action(value: str | None, status: str | None) -> str:
    """The action; without one that is known the status decides, of which only time that ran out is for good."""
    word = re.split(r"[^a-z]", (value or "").strip().lower(), maxsplit=1)[0]
    if word in _ACTIONS:
        return _ACTIONS[word]
    if status is None or status[0] == "5" or status == "4.4.7":
        return "failed"
    return "delayed" if status[0] == "4" else "delivered"


def _value(group: Fields, name: str) -> str | None:
    values = [value for value in group.get(name, ()) if value]
    return " ".join(values[0].split()) if values else None


def _after_type(value: str | None) -> str | None:
    """The name in `dns; mx.example.com (192.0.2.1)`."""
    if value is None:
        return None
    words = value.rpartition(";")[2].split()
    return words[0][:255] if words else None


def _first(found: list[str]) -> str | None:
    return found[0] if found else None
