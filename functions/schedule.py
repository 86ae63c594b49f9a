"""Functions that a schedule fires."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib import bootstrap
from functions.runtime import Notes, UnitOfWork, named, request_id_of, seconds_left


@dataclass(frozen=True, slots=True)
class ScheduledEvent:
    """One firing of a schedule or one plain invocation."""

    event: Mapping[str, Any]
    seconds_left: Callable[[], float]
    notes: Notes = field(default_factory=dict)


ScheduleHandler = Callable[[bootstrap.Posthorn, ScheduledEvent], Coroutine[Any, Any, None]]


def on_schedule(unit: str, handler: ScheduleHandler) -> Callable[[Any], None]:
    """Wrap `async handler(posthorn, scheduled)` for `schedule`. Errors leave it, so that Lambda counts them.

    `unit` is the name under which the module keeps the registered handler, as for `on_batch`.
    """

    def handle(event: Any) -> None:
        scheduled = ScheduledEvent(event.to_dict(), seconds_left(event.context))
        with UnitOfWork(unit, request_id_of(event.context), scheduled.notes):
            bootstrap.run(handler(bootstrap.posthorn(), scheduled))

    return named(handle, unit, handler)
