"""Rows of a CSV file as entries of suppression lists: our own columns, and what other senders give out (api.md 2.13).

The columns of others are those of their documentation:

* Mailgun, `address,code,error,created_at`:
  https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces/post-v3--domainid--bounces-import
* SendGrid, `status,reason,email,created`: https://twilio.com/docs/sendgrid/v2-api/customer_subuser_api/subuser_bounces
* Postmark, `EmailAddress,SuppressionReason,Origin,CreatedAt` with `HardBounce`, `SpamComplaint`, `ManualSuppression`:
  https://github.com/ActiveCampaign/postmark-dotnet/wiki/Managing-Suppressions
* Amazon SES, `EmailAddress,Reason` with `BOUNCE`, `COMPLAINT`:
  https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SuppressionOptions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.domain.csv_rows import MOST_CELLS, unguarded
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.listed_address import listed_address
from chalicelib.domain.suppression import NEVER, Name, Reason, Suppression, SuppressionScope
from chalicelib.domain.suppression_told import told_of

COLUMNS = ("address", "scope", "stream", "reason", "note", "created_at", "expires_at")
LONGEST_NOTE = 200
_ADDRESS = ("address", "email", "recipient", "emailaddress", "email address")
_REASON = ("reason", "suppressionreason")
_STREAM = re.compile(r"[a-z0-9-]{1,40}")
_OF_OTHERS = {
    "hardbounce": Reason.BOUNCE,
    "bounce": Reason.BOUNCE,
    "spamcomplaint": Reason.COMPLAINT,
    "complaint": Reason.COMPLAINT,
    "manualsuppression": Reason.MANUAL,
}
_REASONS = {reason.value: reason for reason in Reason} | _OF_OTHERS


@dataclass(frozen=True, slots=True)
class Columns:
    """Where what is wanted stands in each row. In a list of bounces every row has one reason, and its own words go
    into the note."""

    address: int
    others: Mapping[str, int]
    are_bounces: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What an import says of rows that do not say it themselves, in an organization's list or in a server's. A reason
    that was given also stands for words that are none."""

    is_organization: bool
    stream: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ListedRow:
    """An entry as a row has it. Without `keep_until` it ends as its reason says."""

    address: str
    stream: str | None
    reason: Reason
    note: str | None
    keep_until: int | None

    @property
    def name(self) -> Name:
        """By what its entry is known."""
        return Name(self.address, self.stream)


def columns_of(header: Sequence[str]) -> Columns:
    """What the columns of a header line are. Rejected where none has addresses."""
    named: dict[str, int] = {}
    for at, cell in enumerate(header):
        named.setdefault(unguarded(cell).strip().lower(), at)
    address = next((named[name] for name in _ADDRESS if name in named), None)
    if address is None:
        among = f" among its first {MOST_CELLS:,}" if len(header) == MOST_CELLS else ""
        raise Rejected(f"The first line names no column address, email or recipient{among}")
    reason = next((named[name] for name in _REASON if name in named), None)
    found: dict[str, int] = {
        name: named[name] for name in ("scope", "stream", "note", "expires_at") if name in named
    }
    if "code" in named and "error" in named:  # Mailgun
        return Columns(address, found | {"note": named["error"]}, are_bounces=True)
    if "status" in named and reason is not None and "email" in named:  # SendGrid
        return Columns(address, found | {"note": reason}, are_bounces=True)
    return Columns(address, found if reason is None else found | {"reason": reason})


def read_row(cells: Sequence[str], columns: Columns, given: Given, now: float) -> ListedRow:
    """What a row lists. Rejected in words that say what is wrong with it."""

    def cell(name: str) -> str:
        at = columns.others.get(name, len(cells))
        return unguarded(cells[at]).strip() if at < len(cells) else ""

    address = unguarded(cells[columns.address]) if columns.address < len(cells) else ""
    reason = Reason.BOUNCE if columns.are_bounces else _reason(cell("reason"), given)
    note = _note(cell("note"))
    until = _until(cell("expires_at"), now)
    return ListedRow(
        _address(address), _stream(cell("scope"), cell("stream"), given), reason, note, until
    )


def row_of(entry: Suppression) -> tuple[str, ...]:
    """The cells of an entry, in the order of COLUMNS."""
    told = told_of(entry)
    told["expires_at"] = told["expires_at"] or "never"
    return tuple(told[name] or "" for name in COLUMNS)


def entry_of(
    row: ListedRow, given: Given, at: float, keep_until: int, created_by: str
) -> Suppression:
    """The entry that a row lists."""
    scope = SuppressionScope.STREAM if row.stream is not None else SuppressionScope.SERVER
    entry = Suppression(row.address, row.reason.text, at, keep_until)
    return replace(
        entry,
        scope=SuppressionScope.ORGANIZATION if given.is_organization else scope,
        stream=row.stream,
        note=row.note,
        created_by=created_by,
    )


def _address(cell: str) -> str:
    try:
        return listed_address(cell)
    except Rejected:
        raise Rejected("has no e-mail address") from None


def _reason(cell: str, given: Given) -> Reason:
    if not cell:
        return given.reason or Reason.MANUAL
    found = _REASONS.get(cell.lower(), given.reason)
    if found is None:
        raise Rejected("has a reason that is none of ours")
    return found


def _stream(scope: str, stream: str, given: Given) -> str | None:
    wanted = scope.lower()
    if wanted not in ("", *SuppressionScope):
        raise Rejected("has a scope that is none of ours")
    if wanted and (wanted == SuppressionScope.ORGANIZATION) is not given.is_organization:
        raise Rejected("is of another list than this one")
    if given.is_organization:
        return None
    if wanted == SuppressionScope.SERVER:
        return None
    name = stream or given.stream
    if name is None and wanted == SuppressionScope.STREAM:
        raise Rejected("names no stream")
    if name is not None and not _STREAM.fullmatch(name):
        raise Rejected("names a stream that cannot be")
    return name


def _note(cell: str) -> str | None:
    text = " ".join(cell.split())[:LONGEST_NOTE]
    return "".join(sign for sign in text if sign.isprintable()) or None


def _until(cell: str, now: float) -> int | None:
    if not cell:
        return None
    if cell.lower() == "never":
        return NEVER
    try:
        moment = datetime.fromisoformat(cell)
        until = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise Rejected("has an expires_at that is no time") from None
    if until <= now:
        raise Rejected("has an expires_at that has passed")
    return min(until, NEVER)
