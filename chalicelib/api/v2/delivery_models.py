"""The log of a message, as API v2 shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.objects import Answer, Moment
from chalicelib.domain.model import Status


class DeliveryEntry(Answer):
    """One attempt or change of state. What nobody was asked about is null."""

    id: int
    status: Status
    details: str
    output: Annotated[str | None, Field(description="The remote server's answer.")]
    at: Moment
    seconds: Annotated[float | None, Field(description="How long it took.")]
    sent_with_tls: bool = Field(validation_alias="sent_with_ssl")
    tls: Annotated[str | None, Field(description="TLS version and cipher.")]
    source: Annotated[str | None, Field(description="Where we sent from.")]
    remote: Annotated[str | None, Field(description="Whom we sent to.")]
    log_id: str | None
    cause: Annotated[
        str | None, Field(description="Why it failed, in one word; more words may come.")
    ]
    report: Annotated[int | None, Field(description="The report that says so.")]


class LastDelivery(Answer):
    """The newest entry of a message's log, for lists."""

    status: Status
    details: str
    output: Annotated[str | None, Field(description="The remote server's answer.")]
    at: Moment
    seconds: float | None
    cause: str | None


class DeliveryLog(Answer):
    """The log of one message, oldest first."""

    data: list[DeliveryEntry]
