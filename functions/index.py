"""Every minute: keep the index of mail in few pieces, so that a search opens few, and take out what was forgotten."""

from __future__ import annotations

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.ports.mail_index import MailIndex
from functions.runtime import Notes
from functions.schedule import on_schedule

SECONDS = 45.0
blueprint = Blueprint(__name__)


async def tidy(posthorn: Posthorn, notes: Notes) -> None:
    """As much as is to be done, as long as the minute lasts."""
    notes["pieces"] = await posthorn[MailIndex].tidy(SECONDS)


index = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="index")(on_schedule("index", tidy))
