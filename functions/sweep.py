"""Every minute: wake what is due, end holds that have expired."""

from __future__ import annotations

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.services.queue.sweep import Sweep
from functions.runtime import Notes
from functions.schedule import on_schedule

blueprint = Blueprint(__name__)


async def wake_due(posthorn: Posthorn, notes: Notes) -> None:
    """One sweep over what is due."""
    swept = await posthorn[Sweep].run()
    notes |= {"woken": swept.woken, "expired": swept.expired}


sweep = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")(on_schedule("sweep", wake_due))
