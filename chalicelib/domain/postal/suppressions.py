"""Suppressions of Postal as ours."""

from __future__ import annotations

from chalicelib.domain.postal.rows import Row, decimal, text
from chalicelib.domain.suppression import NEVER, Reason, Suppression

POSTAL = "postal"


def suppression_of(row: Row) -> Suppression | None:
    """An entry of a server's list; None for what is none."""
    address = text(row, "address")
    if address is None or text(row, "type") not in (None, "recipient"):
        return None
    until, said = decimal(row, "keep_until"), text(row, "reason") or ""
    reason = Reason.of(said)
    return Suppression(
        address=address.lower(),
        reason=reason.text,
        at=decimal(row, "timestamp") or 0.0,
        keep_until=NEVER if until is None else int(until),
        note=said[:200] if reason is Reason.MANUAL and said else None,
        created_by=POSTAL,
    )
