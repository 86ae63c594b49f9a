"""Which mail is for who answers for the installation (RFC 5321, 4.5.1): what came for the postmaster, and notices.

Strangers cause it, as much of it as they like. It goes out by the server for system mail, whose own mail it must not
hinder, and which must not come to hold it.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.model import SYSTEM_CREDENTIAL, Message


class ForPostmaster:
    """Knows the postmaster."""

    def __init__(self, settings: Settings) -> None:
        self._postmaster = settings.postmaster.lower()

    def is_for(self, message: Message) -> bool:
        """Whether an outgoing message is mail of the installation for its postmaster."""
        return (
            bool(self._postmaster)
            and message.origin.credential_id == SYSTEM_CREDENTIAL
            and message.rcpt_to.lower() == self._postmaster
        )
