"""The lines of the log: every field that one may have, on AWS and on one host alike, how bad each is, and how a person
reads one.

No field holds a mail address, content or a secret. A client's address stands in `client` alone: where somebody failed
to prove who he is, and elsewhere where the operator asked for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# How much each level weighs, as the standard library's logging has it.
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
SIGN_IN = "posthorn.sign_in"
SIGN_IN_FAILED = "sign-in failed"
AUTH_FAILED = "auth_failed"

FIELDS: Mapping[str, str] = {
    "time": "when it was written, epoch seconds",
    "unit": "the unit of work, or the part of the program that says something",
    "event": "of SMTP: what happened; of a domain or message: which event it is",
    "level": "debug, info, warning, error or critical",
    "text": "what happened, in words",
    "outcome": "how it ended: ok, a status of a message, the code of an error, or error for what nobody foresaw",
    "ms": "how many milliseconds it took",
    "request_id": "the request or invocation, as the client was told it",
    "trace": "the SMTP connection, as its greeting names it",
    "client": "the client's address",
    "door": "where a sign-in failed: api or page",
    "code": "the code of an error; of SMTP, that of the reply",
    "cause": "the class of the error beneath",
    "error": "the class of an error, or what a library says of it",
    "stack": "the places in the code where an error nobody foresaw came from",
    "status": "the status of an HTTP answer",
    "operation": "the operation of the API",
    "page": "the page that was asked for",
    "server_id": "the server",
    "server_ids": "the servers that mail came in for",
    "organization": "the organization, by its permalink",
    "organization_id": "the organization",
    "message_id": "the message",
    "message_ids": "the messages that were made",
    "key_id": "the credential or session",
    "user_id": "who signed in",
    "person": "who looked at mail",
    "attempt": "which attempt it was",
    "job": "the job",
    "domain": "the domain whose records were checked",
    "records": "how many records a batch had; of a domain, those that are wrong",
    "subject": "of a notice to those who answer for an organization: its subject, which is ours",
    "accepted": "messages taken from a request",
    "rejected": "messages of a request that were refused",
    "size": "bytes of the message",
    "left": "what is left for later",
    "unread": "wake-ups that nobody can read",
    "woken": "messages that were woken",
    "expired": "messages whose time was over",
    "let_go": "messages that waited for a limit and may go",
    "lanes": "lanes of webhooks",
    "requests": "requests to webhooks",
    "not_well": "checks of the installation that found something",
    "changes": "changes of messages that consumers were told of",
    "of": "of how many",
    "slots": "slots of the statistics that were written",
    "events": "events that were published",
    "operations": "operations by hand that were entered into the log of the installation",
    "sequence": "the number of a change",
    "told": "messages that the index was told of",
    "pieces": "pieces of work, or of the index",
    "rung": "whether another function was woken to go on",
    "steps": "steps of the upkeep",
    "failed": "steps of the upkeep that failed",
    "done": "what a step of the upkeep did",
    "messages": "messages that were forgotten",
    "bytes": "bytes that were forgotten; of AWS, sent and received",
    "given_back": "what a process had that died",
    "writes": "writes for which nobody waited any more",
    "kept": "whether a hit was kept",
    "automatic": "whether a hit was a program's",
    "asked": "what a tracked request was for: image or link",
    "timed_out": "whether a receiving server was too slow",
    "turned_away": "whether a receiving server refused the connection",
    "key": "the object that cannot be read",
    "upload": "the file that is not there",
    "selector": "the selector of a DKIM key that cannot be used",
    "claim": "the claim of a token that is wrong",
    "pool": "the pool",
    "queue": "the queue",
    "aws": "calls to AWS by operation",
    "units": "request units of DynamoDB",
    "aws_service": "the service of AWS that is away",
    "aws_operation": "what it was asked for",
    "aws_code": "what it answered",
    "ports": "the ports that SMTP listens at",
    "max_connections": "connections that are taken at a time",
    "max_buffered": "bytes of mail that are held at a time",
    "commits_in_flight": "group commits at a time",
    "role": "the listener: mx, submission or submissions",
    "reason": "why a connection was refused",
    "cut": "connections that were cut at a stop",
    "file": "the certificate",
    "lost": "lines that could not be written",
}
_FIRST = ("time", "level", "unit", "event", "text", "outcome")


def as_text(line: Mapping[str, Any]) -> str:
    """A line for a person at a terminal."""
    at = datetime.fromtimestamp(float(line.get("time", 0)), UTC)
    words = [f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}", str(line.get("level", "info"))]
    words += [_shown(line[name]) for name in _FIRST[2:] if name in line]
    words += [f"{name}={_shown(value)}" for name, value in line.items() if name not in _FIRST]
    return " ".join(words)


def weight(level: str) -> int:
    """How much a level weighs; that of info for what is none."""
    return LEVELS.get(level, LEVELS["info"])


def _shown(value: object) -> str:
    """A value with nothing in it that a terminal would obey."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if text.isprintable() else json.dumps(text)
