"""Whether the name that a source introduces itself with fits the address that receivers see (RFC 5321, 4.1.4)."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.dns.records import is_domain_name
from chalicelib.domain.outgoing.reverse_names import is_among


def ehlo_fault(
    source: str, name: str, address: str, found: Sequence[str], reverse: Sequence[str]
) -> str:
    """What is wrong, and what to do; empty where the name leads to the address, and is its reverse name if it has any.
    `found` are the addresses of the name."""
    if not is_among(address, tuple(found)):
        return (
            f"It introduces itself as {name}, which does not lead to {address}: publish that address for the name, or"
            f" `posthorn source set {source} --ehlo NAME`."
        )
    if not reverse or name.lower() in reverse:
        return ""
    known = reverse[0] if is_domain_name(reverse[0]) else "Something that is no name"
    return f"{known} is the reverse name of {address}, and it introduces itself as {name}: make them the same name."
