"""Every error of the mail world, as one tree of values.

    MailError
    ├── TemporaryFailure      try again later (the default when nothing is proven)
    │   ├── OutcomeUnknown    the conversation broke after the final dot: the peer may have the message
    │   ├── SourceUnavailable this way out does not work at present; another egress source may
    │   ├── Contended         another change of the same values came between
    │   │   └── Outdated      what is stored is no longer what the change was made from
    │   ├── PoolMissing       the pool has no queue
    │   └── OutOfSpace        there is no room to store anything more
    ├── PermanentFailure      trying again cannot help
    ├── Rejected              what the client sent is malformed or breaks a limit
    │   └── InvalidRequest    an HTTP request with named wrong fields
    │       └── QuerySyntax   a search that cannot be read
    ├── Refused               well-formed, but policy says no
    │   └── Unauthenticated   no credential, or one that is not known
    ├── NotFound              no such thing for this tenant
    └── Conflict              the state has moved on
        ├── Taken             a name is taken
        ├── TooMany           there are as many as there may be
        └── BeingSent         the message is in the hands of a worker

Each carries `public`, a text fit for the user, an optional SMTP `reply`, and `fields` for the log. The private
cause stays in `__cause__`: neither a secret nor a stack trace ever reaches a user through these. The mappings to
SMTP and HTTP live with the SMTP gateway and `chalicelib.api`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chalicelib.domain.reply import Reply


class MailError(Exception):
    """An error with a public text, an SMTP reply and log fields."""

    code: ClassVar[str] = "mail_error"
    default_reply: ClassVar[Reply] = Reply(451, "4.3.0", "Internal error, try again later")
    retry_after: int | None = None
    """In how many seconds the same may work, where that is known."""

    def __init__(self, public: str, *, reply: Reply | None = None, **fields: str | int) -> None:
        super().__init__(public)
        self.public = public
        self.reply = reply if reply is not None else self._own_reply(public)
        self.fields = fields

    def _own_reply(self, public: str) -> Reply:
        base = self.default_reply
        return Reply(base.code, base.enhanced, public)


class TemporaryFailure(MailError):
    """Something that may work later."""

    code = "temporary_failure"
    default_reply = Reply(451, "4.3.0", "Temporary failure, try again later")


class OutcomeUnknown(TemporaryFailure):
    """The peer may or may not have taken the message: the connection was lost after the final dot."""

    code = "outcome_unknown"
    default_reply = Reply(451, "4.4.2", "Connection lost after the message was sent")


class SourceUnavailable(TemporaryFailure):
    """The egress source cannot bind, or its proxy or smarthost turns us away: nothing was said to the peer."""

    code = "source_unavailable"


class Contended(TemporaryFailure):
    """Another change of the same values came between."""

    retry_after = 1


class Outdated(Contended):
    """What is stored is no longer what the change was made from."""


class PoolMissing(TemporaryFailure):
    """The pool has no queue: nothing was deployed for it, or it was taken away."""

    code = "pool_missing"


class OutOfSpace(TemporaryFailure):
    """There is no room to store anything more (RFC 5321 section 4.2.3)."""

    code = "out_of_space"
    default_reply = Reply(452, "4.3.1", "Insufficient system storage, try again later")


class PermanentFailure(MailError):
    """Something that cannot work later either."""

    code = "permanent_failure"
    default_reply = Reply(554, "5.0.0", "Permanent failure")


class Rejected(MailError):
    """Malformed input, or input above a limit."""

    code = "rejected"
    default_reply = Reply(554, "5.6.0", "Message rejected")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request: JSON pointer (RFC 6901), machine code, text for people."""

    pointer: str
    code: str
    detail: str


INVALID = "invalid"  # the code of a field error whose detail is a whole sentence


class InvalidRequest(Rejected):
    """A request whose `errors` name every wrong field."""

    code = "invalid_request"

    def __init__(
        self, public: str, errors: tuple[FieldError, ...] = (), **fields: str | int
    ) -> None:
        super().__init__(public, reply=None, **fields)
        self.errors = errors


class QuerySyntax(InvalidRequest):
    """A search of which a term cannot be read, as it was typed; it says what is wrong with it."""

    def __init__(self, term: str, fault: str) -> None:
        detail = f"{term}: {fault}"
        super().__init__(detail, (FieldError("/q", "query_syntax", detail),))


def wrong_field(field: str, detail: str, code: str = INVALID) -> InvalidRequest:
    """One wrong field, by its name; the text says what is wrong with it."""
    return InvalidRequest(detail, (FieldError(f"/{field}", code, detail),))


def unknown_reference(field: str, detail: str) -> InvalidRequest:
    """A field that names what is not there for whoever asks (api.md 1.5)."""
    return wrong_field(field, detail, "unknown_reference")


class Refused(MailError):
    """Policy says no."""

    code = "refused"
    default_reply = Reply(550, "5.7.1", "Refused by policy")


class Unauthenticated(Refused):
    """No credential, or one that nobody knows. Never says which part was wrong."""

    code = "unauthenticated"
    default_reply = Reply(535, "5.7.8", "Invalid credential")


class NotFound(MailError):
    """No such thing, as far as this tenant can see."""

    code = "not_found"
    default_reply = Reply(550, "5.1.1", "Not found")


class Conflict(MailError):
    """The thing is in another state than the caller thought, or its name is taken."""

    code = "conflict"
    default_reply = Reply(451, "4.3.0", "Conflict, try again later")


class Taken(Conflict):
    """Something else has this name; `errors` says which field."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.errors = (FieldError(f"/{field}", "taken", detail),)


class TooMany(Conflict):
    """There are as many as there may be."""


class BeingSent(Conflict):
    """A worker has the message at this moment."""

    def __init__(self, public: str, retry_after: int) -> None:
        super().__init__(public)
        self.retry_after = retry_after
