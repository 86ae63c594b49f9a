"""What operations on `/api/v2/routes` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "Condition",
    "MailRoute",
    "MailToMatch",
    "MailToSimulate",
    "Matched",
    "Result",
    "RouteMode",
    "RoutePage",
    "RouteToChange",
    "RouteToMake",
    "ShownCondition",
    "SpamMode",
    "Step",
]


class Condition(TypedDict):
    """What must hold of a message."""

    field: str
    """`from` (of the envelope), `subject` or `header:Name`."""
    matches: str
    """What it is; `*` is any run, case does not count."""


class MailRoute(TypedDict):
    """Which mail for a domain goes where."""

    id: str
    name: str
    domain: str | None
    address: str | None
    """`{name}@{domain}`."""
    mode: RouteMode
    endpoint: str | None
    additional_endpoints: list[str]
    spam_mode: SpamMode
    priority: int
    conditions: list[ShownCondition]
    token: str
    forwarding_address: str | None
    """Mail to it takes this route, whatever its conditions."""
    created_at: str
    last_used_at: str | None


_MailToMatch = TypedDict("_MailToMatch", {"from": "NotRequired[str | None]"})


class MailToMatch(_MailToMatch):
    """A message that has not come."""

    to: str
    """Its recipient in the envelope; `postmaster` needs no domain."""
    subject: NotRequired[str | None]
    headers: NotRequired[dict[str, str] | None]
    """Fields of its header by name."""
    spam_score: NotRequired[float | None]
    """What it would be scored."""


_MailToSimulate = TypedDict("_MailToSimulate", {"from": "str"})


class MailToSimulate(_MailToSimulate):
    """A message that nobody has sent."""

    subject: NotRequired[str | None]
    text: NotRequired[str | None]
    raw: NotRequired[str | None]
    """The whole message, header and body, in place of `subject`, `text` and the attachment."""


class Matched(TypedDict):
    """What would become of a message."""

    route: MailRoute | None
    reply: str
    """What its sender would be told: RCPT's refusal, else DATA's, else RCPT's 250."""
    spam: SpamMode | None
    """What would be done with it as spam, by `spam_score`, the server's thresholds and the route; null
    where it is none, or without a score.
    """
    steps: list[Step]
    """The server's routes, in their order."""


Result = Literal["name", "condition", "chosen"]
"""What came of looking at a route: `name` and `condition` are what did not fit."""


RouteMode = Literal["Endpoint", "Accept", "Hold", "Bounce", "Reject"]
"""Contract section 1.7."""


class RoutePage(TypedDict):
    """Routes, by priority, then age."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[MailRoute]


class RouteToChange(TypedDict):
    """What may be changed of it. Another mode than `Endpoint` takes its endpoints away."""

    name: NotRequired[str | None]
    domain: NotRequired[str | None]
    mode: NotRequired[RouteMode | None]
    endpoint: NotRequired[str | None]
    additional_endpoints: NotRequired[list[str] | None]
    """Ids of endpoints that get it too, with mode `Endpoint`."""
    spam_mode: NotRequired[SpamMode | None]
    priority: NotRequired[int | None]
    """Lower is asked first."""
    conditions: NotRequired[list[Condition] | None]
    """All must hold."""


class RouteToMake(TypedDict):
    """A new route."""

    name: str
    """The local part: `[a-z0-9._-]`, and `*`, which is any run; or `__returnpath__`."""
    domain: NotRequired[str | None]
    mode: NotRequired[RouteMode | None]
    endpoint: NotRequired[str | None]
    """Its id; with mode `Endpoint`, which needs one."""
    additional_endpoints: NotRequired[list[str] | None]
    """Ids of endpoints that get it too, with mode `Endpoint`."""
    spam_mode: NotRequired[SpamMode | None]
    priority: NotRequired[int | None]
    """Lower is asked first."""
    conditions: NotRequired[list[Condition] | None]
    """All must hold."""


class ShownCondition(TypedDict):
    """What must hold of a message."""

    field: str
    matches: str


SpamMode = Literal["Mark", "Quarantine", "Fail"]
"""What becomes of spam (contract section 1.7)."""


class Step(TypedDict):
    """A route that was looked at."""

    route: str
    result: Result
    """`name` or `condition` did not fit, or it was `chosen`."""
