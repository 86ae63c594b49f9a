"""Routes as requests and answers of API v2 (api.md 2.9)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.fields import (
    LONGEST_ENTRY,
    Author,
    HeaderName,
    Line,
    Recipient,
    checked,
)
from chalicelib.api.v2.models import MOST_HEADERS
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment
from chalicelib.api.v2.patch import Patch
from chalicelib.domain.incoming.routing import Result
from chalicelib.domain.mail.header_rendering import LONGEST_VALUE
from chalicelib.domain.tenancy import routes as tenancy
from chalicelib.domain.tenancy.routes import RouteMode, SpamMode
from chalicelib.services.incoming.route_fields import (
    MOST_ADDITIONAL,
    MOST_CONDITIONS,
    checked_condition_field,
    checked_route_name,
)

LONGEST_ID = 40
RouteName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The local part: `[a-z0-9._-]`, and `*`, which is any run; or `__returnpath__`.",
        examples=["support"],
    ),
    checked(checked_route_name),
]
RouteDomain = Annotated[
    str,
    Field(
        max_length=255,
        description="A verified domain of the server or its organization; none for `__returnpath__`.",
    ),
]
EndpointId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
Additional = Annotated[
    list[EndpointId],
    Field(
        max_length=MOST_ADDITIONAL,
        description="Ids of endpoints that get it too, with mode `Endpoint`.",
    ),
]
Priority = Annotated[int, Field(ge=0, le=1_000, strict=True, description="Lower is asked first.")]


class Condition(Body):
    """What must hold of a message."""

    field: Annotated[
        str,
        Field(
            max_length=100,
            description="`from` (of the envelope), `subject` or `header:Name`.",
            examples=["subject"],
        ),
        checked(checked_condition_field),
    ]
    matches: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="What it is; `*` is any run, case does not count.",
            examples=["*invoice*"],
        ),
    ]


Conditions = Annotated[
    list[Condition], Field(max_length=MOST_CONDITIONS, description="All must hold.")
]


class ShownCondition(Answer):
    """What must hold of a message."""

    field: str
    matches: str


class MailRoute(Answer):
    """Which mail for a domain goes where."""

    id: str
    name: str
    domain: str | None
    address: Annotated[str | None, Field(description="`{name}@{domain}`.")]
    mode: RouteMode
    endpoint: str | None
    additional_endpoints: list[str]
    spam_mode: SpamMode
    priority: int
    conditions: list[ShownCondition]
    token: str
    forwarding_address: Annotated[
        str | None, Field(description="Mail to it takes this route, whatever its conditions.")
    ]
    created_at: Moment
    last_used_at: Moment | None


class RouteToMake(Body):
    """A new route."""

    name: RouteName
    domain: RouteDomain | None = None
    mode: RouteMode = RouteMode.ENDPOINT
    endpoint: Annotated[
        EndpointId | None, Field(description="Its id; with mode `Endpoint`, which needs one.")
    ] = None
    additional_endpoints: Additional = Field([])
    spam_mode: SpamMode = SpamMode.MARK
    priority: Priority = 100
    conditions: Conditions = Field([])


class RouteToChange(Patch):
    """What may be changed of it. Another mode than `Endpoint` takes its endpoints away."""

    needed = frozenset({"name"})

    name: RouteName | None = None
    domain: RouteDomain | None = None
    mode: RouteMode = RouteMode.ENDPOINT
    endpoint: EndpointId | None = None
    additional_endpoints: Additional = Field([])
    spam_mode: SpamMode = SpamMode.MARK
    priority: Priority = 100
    conditions: Conditions = Field([])


class RoutePage(ListAnswer):
    """Routes, by priority, then age."""

    data: list[MailRoute]


class MailToMatch(Body):
    """A message that has not come."""

    to: Annotated[
        Recipient,
        Field(description="Its recipient in the envelope; `postmaster` needs no domain."),
    ]
    mail_from: Annotated[
        str,
        Field(alias="from", max_length=LONGEST_ENTRY, description="Its sender in the envelope."),
    ] = ""
    subject: Annotated[str, Field(max_length=LONGEST_VALUE)] = ""
    headers: Annotated[
        dict[HeaderName, Annotated[str, Field(max_length=LONGEST_VALUE)]],
        Field(max_length=MOST_HEADERS, description="Fields of its header by name."),
    ] = Field({})
    spam_score: Annotated[
        float | None, Field(ge=-1_000, le=1_000, description="What it would be scored.")
    ] = None


class Step(Answer):
    """A route that was looked at."""

    route: str
    result: Annotated[
        Result, Field(description="`name` or `condition` did not fit, or it was `chosen`.")
    ]


class Matched(Answer):
    """What would become of a message."""

    route: MailRoute | None
    reply: Annotated[
        str,
        Field(
            description="What its sender would be told: RCPT's refusal, else DATA's, else RCPT's 250.",
            examples=["250 2.1.5 OK"],
        ),
    ]
    spam: Annotated[
        SpamMode | None,
        Field(
            description="What would be done with it as spam, by `spam_score`, the server's thresholds and the route;"
            " null where it is none, or without a score."
        ),
    ]
    steps: Annotated[list[Step], Field(description="The server's routes, in their order.")]


class MailToSimulate(Body):
    """A message that nobody has sent."""

    author: Author = Field(alias="from", description="Who is said to have sent it.")
    subject: Line = ""
    text: str = ""
    raw: Annotated[
        str | None,
        Field(
            min_length=1,
            description="The whole message, header and body, in place of `subject`, `text` and the attachment.",
        ),
    ] = None


def route_given(body: RouteToMake | RouteToChange) -> dict[str, Any]:
    """The fields that a request gives, as they are kept."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    if "additional_endpoints" in given:
        given["additional_endpoints"] = tuple(given["additional_endpoints"])
    if "conditions" in given:
        given["conditions"] = tuple(
            tenancy.Condition(one.field, one.matches) for one in given["conditions"]
        )
    return given


def route_shown(route: tenancy.Route, route_domain: str) -> MailRoute:
    """A route as answers have it; `route_domain` is the installation's."""
    has_domain = not route.is_return_path
    return MailRoute(
        id=route.id,
        name=route.name,
        domain=route.domain or None,
        address=route.address if has_domain else None,
        mode=route.mode,
        endpoint=route.endpoint,
        additional_endpoints=list(route.additional_endpoints),
        spam_mode=route.spam_mode,
        priority=route.priority,
        conditions=[ShownCondition.model_validate(one) for one in route.conditions],
        token=route.token,
        forwarding_address=f"{route.token}@{route_domain}" if has_domain else None,
        created_at=route.created_at,  # type: ignore[arg-type]  # epoch seconds are a moment
        last_used_at=route.last_used_at,  # type: ignore[arg-type]
    )
