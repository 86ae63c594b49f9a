"""The addresses by which people are known: one spelling for each, in lower case.

What is not ASCII never becomes an ASCII letter by it, as the Kelvin sign would: that is somebody else's mailbox.
"""

from __future__ import annotations

from chalicelib.domain.errors import wrong_field
from chalicelib.domain.mail.mailbox import LONGEST_MAILBOX, envelope_address


def known_as(text: str) -> str:
    """How an address is kept, however it was typed; a text that is none as it is, which nobody is known by."""
    return _lower(envelope_address(text.strip()) or text.strip())


def checked_email(text: str, field: str = "email") -> str:
    """How an address is kept; InvalidRequest for what is none."""
    found = envelope_address(text.strip())
    if found is None or len(found.encode()) > LONGEST_MAILBOX:
        raise wrong_field(field, "This is not one e-mail address", "address")
    return _lower(found)


def _lower(text: str) -> str:
    return "".join(
        one if one.lower().isascii() and not one.isascii() else one.lower() for one in text
    )
