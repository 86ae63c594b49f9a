"""What somebody did with one message by hand: who, from where, and what it changed.

It is stored with the change that it made, or with the message that it made, and told from there, so that neither is
there without the other (ADR 41). `parse_operation(render_operation(operation)) == operation`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import MessageId

RESEND = "resend"
RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb with the message that it was for, at `at` (epoch seconds).

    `attempt` is the generation of the record as it was stored with this. `before` and `after` are JSON objects with
    what changed, or empty for none. The rest says who, as the audit log does.
    """

    verb: str
    message: MessageId
    token: str
    attempt: int
    at: float
    before: str
    after: str
    actor_kind: str
    actor_id: str | None
    actor_name: str
    address: str
    request_id: str

    @property
    def is_automatic(self) -> bool:
        """Whether a send limit did it by itself: then its actor is `{owner}/{period}`."""
        return self.actor_kind == "system" and self.actor_id is not None


def render_operation(operation: Operation) -> str:
    """The operation as JSON."""
    return json.dumps(dataclasses.asdict(operation), separators=(",", ":"), ensure_ascii=False)


def parse_operation(text: str) -> Operation:
    """The operation of a JSON text; names that it has beside ours are passed over. Rejected for anything else."""
    try:
        given = json.loads(text)
        return Operation(**{name: given[name] for name in _NAMES})
    except (ValueError, KeyError, TypeError) as error:
        raise Rejected("This is not an operation") from error


_NAMES = tuple(one.name for one in dataclasses.fields(Operation))
