"""Settings of a server as forms have them: by topic, each field with its words and how its text becomes a value.

Pure. A field has the API's name; `suppression_days/bounce` is a member of an object, as the API's pointers say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.web.fields import read_decimal
from chalicelib.web.form import Form

Server = Mapping[str, Any]
DAYS = "suppression_days"


@dataclass(frozen=True, slots=True)
class Setting:
    """A field. `kind`: text, number, decimal, tick, choice, or one with a word for no end (`forever`, `unlimited`)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    of_operators: bool = False
    is_optional: bool = False

    def shown(self, server: Server) -> str:
        """Its value as the field has it."""
        value = _of(server, self.name)
        return "" if value is None else str(value)

    def is_on(self, server: Server) -> bool:
        """Whether a checkbox is ticked."""
        return bool(_of(server, self.name))

    def read(self, form: Form) -> Any:
        """What was given: of the right kind, or else the text as it was typed, which the API then refuses."""
        if self.kind == "tick":
            return form.has(self.name)
        text = form.text(self.name)
        if not text:
            return None
        if self.kind in ("number", "forever", "unlimited"):
            return _whole(text.replace(",", ""))
        return read_decimal(text) if self.kind == "decimal" else text


@dataclass(frozen=True, slots=True)
class Topic:
    """A page of settings."""

    name: str
    title: str
    words: str
    fields: tuple[Setting, ...]

    def wanted(self, form: Form, *, is_operator: bool) -> dict[str, Any]:
        """The body of a change, of what whoever sends it may change."""
        body: dict[str, Any] = {}
        for field in self.fields:
            if field.of_operators and not is_operator:
                continue
            if field.kind != "tick":
                form.require(field.name)
            head, _, member = field.name.partition("/")
            if member:
                body.setdefault(head, {})[member] = field.read(form)
            else:
                body[field.name] = field.read(form)
        return body

    def changed(self, before: Server, after: Server) -> list[str]:
        """The labels of what is another now."""
        return [one.label for one in self.fields if _of(before, one.name) != _of(after, one.name)]


def _of(server: Server, name: str) -> Any:
    head, _, member = name.partition("/")
    value = server[head]
    return value[member] if member else value


def _whole(text: str) -> int | str:
    try:
        return int(text) if len(text) < 20 else text
    except ValueError:
        return text


_DAYS_HINT = "1 to 3650, or forever"
GENERAL = Topic(
    "",
    "General",
    "",
    (
        Setting("name", "Name"),
        Setting(
            "mode",
            "Mode",
            "choice",
            "In development mail is held, or goes to the inbox only",
            (("Live", "Live: mail goes out"), ("Development", "Development")),
        ),
        Setting("pool", "Pool", "choice", "The addresses that its mail goes out from"),
        Setting(
            "privacy_mode",
            "Keep no addresses of clients and readers",
            "tick",
            of_operators=True,
        ),
        Setting(
            "allow_sender", "Any sender may be named in the Sender field", "tick", of_operators=True
        ),
    ),
)
MAIL = Topic(
    "mail",
    "Mail",
    "How mail is tried, and whom it is not sent to any more.",
    (
        Setting(
            "postmaster_address",
            "Postmaster",
            hint="Whom our bounces name; postmaster at the domain without one",
            is_optional=True,
        ),
        Setting(
            "retry_schedule",
            "When a delayed message is tried again",
            hint="Such as 2m,5m,15m,1h*3; the installation's without one",
            is_optional=True,
        ),
        Setting(
            "unknown_outcome",
            "When nobody knows whether a receiver took it",
            "choice",
            options=(("resend", "send it again"), ("hold", "hold it")),
        ),
        Setting("bounce_incoming", "Tell senders of incoming mail that it failed", "tick"),
        Setting(
            "suppress_hard_fails",
            "Failures of an address in 24 h that suppress it",
            "number",
            "0 to 10; 0 is never",
        ),
        Setting("suppress_bounces", "Suppress an address whose mail comes back", "tick"),
        Setting("suppress_complaints", "Suppress an address that complains", "tick"),
        Setting(f"{DAYS}/hard_fails", "Days without such a mailbox", "forever", _DAYS_HINT),
        Setting(f"{DAYS}/soft_fails", "Days after mail was given up", "forever", _DAYS_HINT),
        Setting(f"{DAYS}/bounce", "Days after a bounce", "forever", _DAYS_HINT),
        Setting(f"{DAYS}/complaint", "Days after a complaint", "forever", _DAYS_HINT),
        Setting(f"{DAYS}/unsubscribe", "Days after unsubscribing", "forever", _DAYS_HINT),
        Setting(f"{DAYS}/manual", "Days of those added by hand", "forever", _DAYS_HINT),
    ),
)
SPAM = Topic(
    "spam",
    "Spam",
    "From which score on mail is spam. Scores of most mail lie between -5 and 15.",
    (
        Setting("spam_threshold", "Incoming mail is spam from", "decimal", "-10 to 25"),
        Setting("spam_failure_threshold", "Incoming mail fails from", "decimal", "10 to 50"),
        Setting(
            "outbound_spam_threshold",
            "Outgoing mail is not sent from",
            "decimal",
            "-10 to 50; not looked at without one",
            of_operators=True,
            is_optional=True,
        ),
    ),
)
RETENTION = Topic(
    "retention",
    "Retention",
    "How long messages are kept. What is held, waits or is scheduled stays until it is done.",
    (
        Setting(
            "message_retention_days", "Days of messages", "forever", _DAYS_HINT, of_operators=True
        ),
        Setting(
            "raw_message_retention_days",
            "Days of contents",
            "forever",
            "0 to 3650, or forever; 0 is until nothing waits",
            of_operators=True,
        ),
        Setting(
            "raw_message_retention_size",
            "Megabytes of contents",
            "unlimited",
            "1 to 10,000,000, or unlimited; the oldest go first",
            of_operators=True,
        ),
    ),
)
LIMITS = Topic(
    "limits",
    "Send limits",
    "How many messages go out. Without a number there is no limit.",
    (
        Setting(
            "send_limit", "Messages in 60 minutes", "number", of_operators=True, is_optional=True
        ),
        Setting(
            "send_limit_day", "Messages in 24 hours", "number", of_operators=True, is_optional=True
        ),
        Setting(
            "send_limit_month", "Messages in a month", "number", of_operators=True, is_optional=True
        ),
        Setting(
            "send_limit_action",
            "Mail above a limit",
            "choice",
            options=(("hold", "is held and sent later"), ("refuse", "is refused")),
        ),
    ),
)
_AS_ORGANIZATION = "0.01 to 100; without one as the organization has it"
RATES = Topic(
    "rates",
    "Complaints and bounces",
    "Above which rate of the mail of 24 hours new mail is held, until it has fallen. Only operators set these.",
    (
        Setting(
            "complaint_rate_limit",
            "Percent of delivered mail that is complained about",
            "decimal",
            _AS_ORGANIZATION,
            of_operators=True,
            is_optional=True,
        ),
        Setting(
            "bounce_rate_limit",
            "Percent of mail that does not reach its recipient",
            "decimal",
            _AS_ORGANIZATION,
            of_operators=True,
            is_optional=True,
        ),
        Setting(
            "rate_limit_count",
            "Least number of messages",
            "number",
            "Of fewer no rate is taken",
            of_operators=True,
            is_optional=True,
        ),
    ),
)
TOPICS: Mapping[str, Topic] = {
    one.name: one for one in (GENERAL, MAIL, SPAM, RETENTION, LIMITS, RATES)
}
