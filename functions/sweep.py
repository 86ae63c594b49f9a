"""Every minute: wake what is due, end holds that have expired."""

from __future__ import annotations

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.services.queue.sweep import Sweep
from functions.runtime import Occasion, on_occasion

blueprint = Blueprint(__name__)


async def wake_due(posthorn: Posthorn, occasion: Occasion) -> None:
    """One sweep over what is due."""
    swept = await posthorn[Sweep].run()
    occasion.notes.update({"woken": swept.woken, "expired": swept.expired})


sweep = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")(on_occasion("sweep", wake_due))
