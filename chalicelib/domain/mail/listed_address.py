"""Addresses as people put them on suppression lists."""

from __future__ import annotations

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.suppression import EVERYBODY


def listed_address(text: str) -> str:
    """An address, or `*@domain`, as lists have it: without blanks around it, its domain in ASCII. Rejected for what no
    mail is sent to."""
    local, _, domain = text.strip().rpartition("@")
    is_everybody = local == EVERYBODY
    found = envelope_address(f"{'x' if is_everybody else local}@{domain}")
    if found is None:
        raise Rejected("is neither an e-mail address nor *@domain")
    return (f"{EVERYBODY}{found[1:]}" if is_everybody else found).lower()
