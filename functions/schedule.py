"""Functions that a schedule fires."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from chalicelib import bootstrap
from functions.runtime import Notes, UnitOfWork, named, request_id_of

ScheduleHandler = Callable[[bootstrap.Posthorn, Notes], Coroutine[Any, Any, None]]


def on_schedule(unit: str, handler: ScheduleHandler) -> Callable[[Any], None]:
    """Wrap `async handler(posthorn, notes)` for `schedule`; what it leaves in `notes` goes to the log. Errors leave it,
    so that Lambda counts them.

    `unit` is the name under which the module keeps the registered handler, as for `on_batch`.
    """

    def handle(event: Any) -> None:
        notes: Notes = {}
        with UnitOfWork(unit, request_id_of(event.context), notes):
            bootstrap.run(handler(bootstrap.posthorn(), notes))

    return named(handle, unit, handler)
