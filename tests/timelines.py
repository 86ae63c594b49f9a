"""A message's timeline as `posthorn message show` makes it of the API's answers, from the stored record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from chalicelib.api.v2.delivery_models import DeliveryLog
from chalicelib.api.v2.email_shown import fields_of, found_in
from chalicelib.api.v2.models import EmailWithActivity
from chalicelib.api.v2.objects import as_json
from chalicelib.cli.timeline import render_timeline
from chalicelib.domain.model import Delivery, MessageRecord
from chalicelib.services.messages.history import Activity
from posthorn_client import models

NOTHING_YET = Activity()


def timeline_of(
    record: MessageRecord,
    deliveries: Sequence[Delivery],
    now: float,
    activity: Activity = NOTHING_YET,
) -> str:
    """The text; `now` is epoch seconds."""
    shown = fields_of(
        record,
        route=None,
        endpoint=None,
        opens=activity.opens,
        clicks=activity.clicks,
        most_tries=18,
        gives_up_at=None,
        **found_in(record, ()),
    )
    email = as_json(EmailWithActivity.model_validate(shown))
    log = as_json(DeliveryLog.model_validate({"data": deliveries}))
    return render_timeline(
        cast("models.EmailWithActivity", email), cast("models.DeliveryLog", log)["data"], now
    )
