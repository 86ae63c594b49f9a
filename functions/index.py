"""Every minute: tell the index of mail of messages that it has never heard of, keep it in few pieces, so that a search
opens few, and take out what was forgotten."""

from __future__ import annotations

from chalice.app import Blueprint, Rate

from chalicelib.adapters.aws.lake.fill import FillLake
from chalicelib.bootstrap import Posthorn
from chalicelib.ports.mail_index import MailIndex
from functions.runtime import Notes
from functions.schedule import on_schedule

FILL_SECONDS = 20.0
TIDY_SECONDS = 25.0
blueprint = Blueprint(__name__)


async def look_after(posthorn: Posthorn, notes: Notes) -> None:
    """As much as is to be done, as long as the minute lasts."""
    notes["told"] = await posthorn[FillLake].run(FILL_SECONDS)
    notes["pieces"] = await posthorn[MailIndex].tidy(TIDY_SECONDS)


index = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="index")(
    on_schedule("index", look_after)
)
