"""Every minute: wake what is due, mail and webhooks, end holds that have expired, look at the installation itself."""

from __future__ import annotations

import logging

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.limits.release import ReleaseHeld
from chalicelib.services.queue.sweep import Sweep
from chalicelib.services.webhooks.wake_lanes import WakeLanes
from functions.runtime import Notes
from functions.schedule import on_schedule

LOG = logging.getLogger("posthorn.checks")
blueprint = Blueprint(__name__)


async def wake_due(posthorn: Posthorn, notes: Notes) -> None:
    """One sweep over what is due, and over what limits hold."""
    try:
        swept = await posthorn[Sweep].run()
        notes |= {"woken": swept.woken, "expired": swept.expired}
    finally:
        if let_go := await posthorn[ReleaseHeld].run():
            notes["let_go"] = let_go


async def wake_lanes(posthorn: Posthorn, notes: Notes) -> None:
    """Wake the lanes of webhooks that are due; mail waits for none of them."""
    try:
        notes["lanes"] = await posthorn[WakeLanes].run()
    except MailError as failure:
        LOG.error("webhooks were not woken: %s", failure.public)


async def check(posthorn: Posthorn, notes: Notes) -> None:
    """Look at the installation, whose state keeps no mail waiting."""
    try:
        notes["not_well"] = await posthorn[CheckInstallation].run()
    except MailError as failure:
        LOG.error("the checks failed: %s", failure.public)


async def sweep_and_check(posthorn: Posthorn, notes: Notes) -> None:
    """What is due first."""
    try:
        await wake_due(posthorn, notes)
    finally:
        await wake_lanes(posthorn, notes)
        await check(posthorn, notes)


sweep = blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="sweep")(
    on_schedule("sweep", sweep_and_check)
)
