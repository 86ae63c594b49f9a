"""What the gateway counts for Prometheus, since its start: connections, messages and refused commands.

A connection counts when it has ended, by whether it had TLS then, and not at all when it began with a handshake that
failed; a message once for each recipient that it was stored for. Refusals have the names of contract section 10; those
without a name there are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from chalicelib.domain.errors import Unauthenticated
from chalicelib.domain.model import Message, Scope
from chalicelib.domain.prometheus import metric
from gateway import replies

KINDS = ("outgoing", "bounce", "incoming")
_ERRORS = {
    replies.SYNTAX: "invalid-command",
    replies.LINE_TOO_LONG: "invalid-command",
    replies.UNSUPPORTED: "invalid-command",
    replies.PROXY_ERROR: "proxy-error",
    replies.NO_TLS: "tls-unavailable",
    Unauthenticated.default_reply.render(): "invalid-credentials",
    replies.HELO_FIRST: "mail-from-out-of-order",
    replies.ALREADY_MAIL: "mail-from-out-of-order",
    replies.MAIL_FIRST: "rcpt-to-out-of-order",
    replies.SUSPENDED: "server-suspended",
    replies.AUTH_REQUIRED: "authentication-required",
    replies.RCPT_FIRST: "data-out-of-order",
    replies.NO_RECIPIENTS: "data-out-of-order",
}
# Replies that have more behind these words, or come from elsewhere.
_BEGINNINGS = {
    b"535 5.7.8 Authenticated failed": "missing-credentials",
    b"501 5.1.3 RCPT TO should not be empty": "empty-rcpt-to",
    b"501 5.1.3 Invalid RCPT TO": "invalid-rcpt-to",
    b"550 5.1.1 Invalid server token": "invalid-server-token",
    b"550 5.7.1 Route does not accept": "route-rejected",
    b"552 5.3.4 Message too large": "message-too-large",
    b"550 5.4.6 Loop detected": "loop-detected",
    b"554 5.4.6 Loop detected": "loop-detected",
    b"530 5.7.1 From/Sender name is not valid": "from-name-invalid",
}
_TEXTS = {
    "connections": "That have ended.",
    "messages": "Stored, by recipient.",
    "errors": "Commands refused.",
}


class SmtpCounts:
    """The counts of one gateway. `numbers` has each by metric and labels, as `connections tls="no"`."""

    def __init__(self) -> None:
        self.numbers = Counter(
            {
                'connections tls="no"': 0,
                'connections tls="yes"': 0,
                **{_of_messages(kind, secure): 0 for kind in KINDS for secure in (False, True)},
                **{_of_error(error): 0 for error in (*_ERRORS.values(), *_BEGINNINGS.values())},
            }
        )

    def connection(self, *, secure: bool) -> None:
        """Count one that has ended."""
        self.numbers[f"connections {_tls(secure)}"] += 1

    def stored(self, messages: Iterable[Message], *, secure: bool) -> None:
        """Count messages, each by its kind."""
        for message in messages:
            self.numbers[_of_messages(_kind(message), secure)] += 1

    def refused(self, reply: bytes) -> None:
        """Count a reply of 400 or above, if what it refuses has a name."""
        error = _ERRORS.get(reply)
        if error is None:
            names = (name for words, name in _BEGINNINGS.items() if reply.startswith(words))
            error = next(names, None)
        if error is not None:
            self.numbers[_of_error(error)] += 1


def rendered(numbers: Mapping[str, int]) -> str:
    """Counts in Prometheus' text format."""
    found: dict[str, dict[str, float]] = {name: {} for name in _TEXTS}
    for key, number in numbers.items():
        name, _, labels = key.partition(" ")
        found.setdefault(name, {})[labels] = number
    return "".join(
        line
        for name, text in _TEXTS.items()
        for line in metric(f"smtp_{name}_total", "counter", text, found[name])
    )


def _kind(message: Message) -> str:
    if message.scope is Scope.OUTGOING:
        return "outgoing"
    return "bounce" if message.bounce else "incoming"


def _of_messages(kind: str, secure: bool) -> str:
    return f'messages type="{kind}",{_tls(secure)}'


def _of_error(error: str) -> str:
    return f'errors error="{error}"'


def _tls(secure: bool) -> str:
    return f'tls="{"yes" if secure else "no"}"'
