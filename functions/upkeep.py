"""Every hour: what has to be looked after whatever mail comes, one step after the other.

Each step is bounded, may stop anywhere and goes on in the next hour, and does nothing twice. One that fails keeps no
other from its turn; the failure leaves when all had theirs, so that the hour counts as failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chalice.app import Blueprint, Rate

from chalicelib.bootstrap import Posthorn
from chalicelib.services.dns_monitor import DnsMonitor
from chalicelib.services.events.fold_groups import FoldGroups
from chalicelib.services.people.forget_ended import ForgetEnded
from chalicelib.services.reputation.look_at_lists import LookAtLists
from chalicelib.services.retention.retain import Retain
from chalicelib.services.tenancy.purge import Purge
from chalicelib.services.tenancy.trim_audit import TrimAudit
from functions.runtime import Notes, UnitOfWork
from functions.schedule import on_schedule

# What a step answers is how many things it did, for its log line.
Step = Callable[[Posthorn], Awaitable[int]]


async def purge(posthorn: Posthorn) -> int:
    """Forget what was removed; how many organizations and servers are forgotten now."""
    return await posthorn[Purge].run()


async def check_domains(posthorn: Posthorn) -> int:
    """Look at the records of domains."""
    return await posthorn[DnsMonitor].run()


async def fold_groups(posthorn: Posthorn) -> int:
    """Bring counters of groups into the form in which they are kept."""
    return await posthorn[FoldGroups].run()


async def retain(posthorn: Posthorn) -> int:
    """Go on with this night's retention; how many servers are done with now."""
    return await posthorn[Retain].run()


async def trim_audit(posthorn: Posthorn) -> int:
    """Remove old entries of the audit log."""
    return await posthorn[TrimAudit].run()


async def forget_ended(posthorn: Posthorn) -> int:
    """Remove sessions, tickets and invitations that have ended."""
    return await posthorn[ForgetEnded].run()


async def look_at_lists(posthorn: Posthorn) -> int:
    """Ask lists for our own addresses; how many they have."""
    return await posthorn[LookAtLists].run()


STEPS: tuple[tuple[str, Step], ...] = (
    ("purge", purge),
    ("retention", retain),
    ("audit log", trim_audit),
    ("ended sessions", forget_ended),
    ("fold groups", fold_groups),
    ("check domains", check_domains),
    ("look at lists", look_at_lists),
)

blueprint = Blueprint(__name__)


async def keep_up(posthorn: Posthorn, notes: Notes) -> None:
    """Every step once; raises the first failure at the end."""
    failures: list[Exception] = []
    for name, step in STEPS:
        done: Notes = {}
        try:
            with UnitOfWork(f"upkeep {name}", "", done, program=posthorn):
                done["done"] = await step(posthorn)
        except Exception as failure:  # whatever it is, the other steps have their turn
            failures.append(failure)
    notes |= {"steps": len(STEPS), "failed": len(failures)}
    if failures:
        raise failures[0]


upkeep = blueprint.schedule(Rate(1, unit=Rate.HOURS), name="upkeep")(on_schedule("upkeep", keep_up))
