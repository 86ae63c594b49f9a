"""The fields of send limits that organizations, servers and credentials share (api.md 2.16)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.services.tenancy.limit_fields import ACTION, FIELDS

_Most = Annotated[int, Field(strict=True)] | None
SendLimit = Annotated[
    _Most, Field(ge=1, le=2_147_483_647, description="Messages in 60 minutes; null: any number.")
]
SendLimitDay = Annotated[
    _Most, Field(ge=1, le=2_147_483_647, description="Messages in 24 hours; null: any number.")
]
SendLimitMonth = Annotated[
    _Most,
    Field(ge=1, le=2_147_483_647, description="Messages in a month, UTC; null: any number."),
]
SendLimitAction = Annotated[
    LimitAction,
    Field(description="What becomes of mail above a limit: held and sent later, or refused."),
]
ALL_FIELDS = frozenset((*FIELDS, ACTION))
NUMBERS = frozenset(FIELDS)
