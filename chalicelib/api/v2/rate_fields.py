"""The fields of complaint and bounce rates that organizations, servers and streams share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.objects import Answer, Moment
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.services.tenancy.rate_fields import MOST, RATE_FIELDS, check_percent

_Percent = Annotated[
    float, Field(strict=True, allow_inf_nan=False, ge=0.01, le=100), checked(check_percent)
]
_HELD = "above which new mail is held, with at most two decimals; null: none of its own."
ComplaintRateLimit = Annotated[
    _Percent | None,
    Field(description=f"Percent of delivered mail that is complained about, {_HELD}"),
]
BounceRateLimit = Annotated[
    _Percent | None,
    Field(description=f"Percent of mail that does not reach its recipient, {_HELD}"),
]
RateLimitCount = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MOST)] | None,
    Field(
        description="Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."
    ),
]
OF_RATES = frozenset(RATE_FIELDS)


class RateHold(Answer):
    """A rate that is above its limit, so that new mail is held."""

    rate: Rate
    stream: Annotated[
        str | None,
        BeforeValidator(lambda stream: stream or None),
        Field(description="Null: of the whole server."),
    ]
    limit: Annotated[float, Field(description="In percent.")]
    percent: Annotated[float, Field(description="The rate when it began.")]
    since: Moment
    until: Annotated[Moment, Field(description="When it is thought to end.")]
