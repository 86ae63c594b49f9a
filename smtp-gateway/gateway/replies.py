"""What the gateway says: fixed replies as wire bytes, and the one table from errors to replies.

The texts are those of contract section 3 with the enhanced codes of RFC 3463 in front. No reply repeats what the
client sent, so nothing can be reflected or injected through one.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.errors import (
    MailError,
    OutOfSpace,
    Rejected,
    TemporaryFailure,
    Unauthenticated,
)
from chalicelib.domain.reply import Reply

MEBIBYTE = 1_048_576


def line(code: int, enhanced: str, text: str) -> bytes:
    """One reply as wire bytes."""
    return Reply(code, enhanced, text).render()


OK = line(250, "2.0.0", "OK")
SENDER_OK = line(250, "2.1.0", "OK")
RECIPIENT_OK = line(250, "2.1.5", "OK")
GO_AHEAD = line(354, "", "Go ahead")
CLOSING = line(221, "2.0.0", "Closing Connection")
READY_FOR_TLS = line(220, "2.0.0", "Ready to start TLS")
HELP = line(
    214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP HELP QUIT\nRFC 5321"
)

SHUTTING_DOWN = line(421, "4.3.2", "Service is shutting down, try again")
TIMED_OUT = line(421, "4.4.2", "Timed out waiting for the client")
TOO_MANY_CONNECTIONS = line(421, "4.7.0", "Too many connections, try again later")
TOO_MANY_ERRORS = line(421, "4.7.0", "Too many errors")
TOO_MANY_COMMANDS = line(421, "4.7.0", "Too many commands without a message")
TOO_MANY_FAILURES = line(421, "4.7.0", "Too many authentication failures")
INTERNAL = line(421, "4.3.0", "Internal error, try again later")

NOT_STORED = line(451, "4.3.0", "Cannot store the message now, try again later")
NOT_LOOKED_UP = line(451, "4.3.0", "Cannot look up the recipient now, try again later")
NO_MEMORY = line(452, "4.3.1", "Too much mail in progress, try again later")
TOO_MANY_RECIPIENTS = line(452, "4.5.3", "Too many recipients")
AUTH_UNAVAILABLE = line(454, "4.7.0", "Temporary authentication failure")
AUTH_LOCKED = line(454, "4.7.0", "Too many authentication failures, try again later")

SYNTAX = line(500, "5.5.2", "Invalid command line")
LINE_TOO_LONG = line(500, "5.5.2", "Command line too long")
HELO_NEEDS_NAME = line(501, "5.5.4", "EHLO/HELO needs a host name")
NO_ARGUMENT = line(501, "5.5.4", "This command takes no argument")
NEEDS_ARGUMENT = line(501, "5.5.4", "This command needs an argument")
BAD_CHUNK = line(501, "5.5.4", "Syntax: BDAT size [LAST]")
UNSUPPORTED = line(502, "5.5.1", "Invalid/unsupported command")
NO_TLS = line(502, "5.5.1", "TLS not available")
PROXY_ERROR = line(502, "5.5.1", "Proxy Error")
HELO_FIRST = line(503, "5.5.1", "EHLO/HELO first please")
MAIL_FIRST = line(503, "5.5.1", "EHLO/HELO and MAIL FROM first please")
RCPT_FIRST = line(503, "5.5.1", "HELO/EHLO, MAIL FROM and RCPT TO before sending data")
ALREADY_MAIL = line(503, "5.5.1", "A sender is given already, send RSET first")
ALREADY_TLS = line(503, "5.5.1", "TLS is active already")
ALREADY_AUTHENTICATED = line(503, "5.5.1", "Already authenticated")
NOT_IN_TRANSACTION = line(503, "5.5.1", "Not during a mail transaction")
MIXED_DATA = line(503, "5.5.1", "DATA and BDAT cannot be mixed, send RSET")
CHUNK_AFTER_FAILURE = line(503, "5.5.1", "An earlier chunk was refused, send RSET")
UNKNOWN_MECHANISM = line(504, "5.5.4", "Unrecognised authentication type")
TLS_FIRST = line(530, "5.7.0", "Must issue a STARTTLS command first")
AUTH_REQUIRED = line(530, "5.7.0", "Authentication required")
SUSPENDED = line(535, "5.7.0", "Mail server has been suspended")
NO_RECIPIENTS = line(554, "5.5.1", "No valid recipients")


def too_large(largest: int) -> Reply:
    """The reply to a message above `largest` bytes, with the contract's text."""
    return Reply(552, "5.3.4", f"Message too large (maximum size {largest // MEBIBYTE}MB)")


def granted(full_name: str) -> bytes:
    """The reply to a successful AUTH."""
    return line(235, "2.7.0", f"Granted for {full_name}")


def challenge(text: str) -> bytes:
    """A 334 reply; the space stays even before an empty challenge (RFC 4954 section 4)."""
    return f"334 {text}\r\n".encode()


def queued(tokens: Sequence[str]) -> bytes:
    """The 250 of a stored message, naming at most 20 of its tokens so that the line stays short."""
    more = f" and {len(tokens) - 20} more" if len(tokens) > 20 else ""
    return f"250 2.0.0 OK queued as {' '.join(tokens[:20])}{more}\r\n".encode()


def refuse(code: int, enhanced: str, text: str) -> Rejected:
    """An error that carries exactly this reply."""
    return Rejected(text, reply=Reply(code, enhanced, text))


def of_error(error: MailError) -> bytes:
    """The reply to an error of accepting a message: its own if it has a fitting one, else a temporary one."""
    if isinstance(error, TemporaryFailure):
        is_full = error.reply.code == OutOfSpace.default_reply.code
        return error.reply.render() if is_full else NOT_STORED
    if isinstance(error, Unauthenticated):
        return AUTH_REQUIRED
    reply = error.reply
    return reply.render() if reply.code >= 400 else NOT_STORED
