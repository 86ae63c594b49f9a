"""One operation of API v2 as the table of routes says it, for handlers and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import BaseModel

PREFIX = "/api/v2"
TenantOfRoute = Literal["server", "organization", "either", "path", "none"]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation for callers with the scopes of `scope`, apart by blanks, in a tenant of this kind: a server; an
    organization, or a server that stands for its own; one that may be absent; one that the path names; or none.
    Without the tenant that may be absent, `installation_scope` is what it takes. With `operators_too` an operator of
    the installation is let in without the scope, and the action says what such a one may.

    `action` gets the call, then the body and the query as their models, and answers with a model (None for 204); one
    that `reads_itself` gets the call alone, and a public one program and request. The summary is the first line of its
    docstring; `answer` is a model, or a media type for bytes. `location` is where a thing that was made is found, from
    the fields of the answer. `also` has the models of other good answers by their statuses: the action gives them as
    `objects.Other`. `shows_secret` says that the answer shows one, once. `rate` names the policy that bounds
    how often it may be asked (api.md 1.6). `sends` says that a suspended server refuses it, `of_people` that keys do
    not ask it. `before` gets what the action gets and raises what must be known of the caller before anything is done,
    or an answer given again.

    `errors` are the statuses of its problems besides those that follow from what else is said of it, `elsewhere` says
    when the answer is a 303 to another address, `note` what else is to be known.
    """

    method: str
    path: str
    name: str
    action: Callable[..., Any]
    answer: type[BaseModel] | str | None
    status: int = 200
    body: type[BaseModel] | None = None
    body_is_list: bool = False
    query: type[BaseModel] | None = None
    tenant: TenantOfRoute = "server"
    scope: str = ""
    installation_scope: str = ""
    operators_too: bool = False
    location: str = ""
    also: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    shows_secret: bool = False
    rate: str = ""
    sends: bool = False
    reads_itself: bool = False
    takes_large_bodies: bool = False
    is_public: bool = False
    of_people: bool = False
    before: Callable[..., Awaitable[None]] | None = None
    errors: frozenset[int] = frozenset()
    elsewhere: str = ""
    note: str = ""

    @property
    def is_idempotent(self) -> bool:
        """Whether a request may be repeated under an Idempotency-Key."""
        return self.method == "POST" and not self.is_public

    @property
    def needs_body(self) -> bool:
        """Whether there must be a body: a verb whose fields may all be left out does without (api.md 1.4)."""
        if self.body is None:
            return False
        fields = self.body.model_fields.values()
        return self.method != "POST" or any(field.is_required() for field in fields)

    @property
    def summary(self) -> str:
        """What it does, in one line without a full stop."""
        return (self.action.__doc__ or "").partition("\n")[0].rstrip(".")


def route(request: str, action: Callable[..., Any], answer: Any, **more: Any) -> Route:
    """The route of a request such as `GET /servers`, named as its action is."""
    method, path = request.split(" ")
    first, *rest = action.__name__.split("_")
    name = first + "".join(map(str.title, rest))
    return Route(method, f"{PREFIX}{path}", name, action, answer, **more)
