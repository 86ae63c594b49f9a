"""What the outbox is told of beside messages, as the text that both engines store with its change.

`parse_beside(one.server, render_beside(one)) == one`. An occurrence is a JSON array, a deed an object.
"""

from __future__ import annotations

from chalicelib.adapters.storage.packs import parse_occurrence, render_occurrence
from chalicelib.domain.changes import Change, Done, Happened
from chalicelib.domain.deeds import Beside, Deed
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId


def render_beside(one: Beside) -> str:
    """The text; an occurrence has its server elsewhere."""
    return render_value(one) if isinstance(one, Deed) else render_occurrence(one)


def parse_beside(server: ServerId, text: str) -> Beside:
    """What a text tells; ValueError, KeyError or TypeError for another text."""
    return parse_value(Deed, text) if text.startswith("{") else parse_occurrence(server, text)


def change_of(sequence: str, one: Beside) -> Change:
    """As consumers are told of it."""
    if isinstance(one, Deed):
        return Done(sequence, one.server, one)
    return Happened(sequence, one.server, one)
