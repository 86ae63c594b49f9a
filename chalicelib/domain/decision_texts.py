"""What is said of a message of either direction that is kept from going on: texts of contract section 4, wire facts."""

from __future__ import annotations

SUSPENDED = (
    "Mail server has been suspended. No e-mails can be processed at present. "
    "Contact support for assistance."
)
INTERRUPTED = (
    "An earlier attempt was interrupted and the remote server may already have this message."
)
DEVELOPMENT = "Server is in development mode."
REMOVED = "Raw message has been removed. Cannot send message."


def attempts_reached(most: int) -> str:
    """The retry schedule, of so many attempts, has run out."""
    return f"Maximum number of delivery attempts ({most}) has been reached."
