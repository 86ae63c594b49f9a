"""The records of a domain as text for people: type, name and value of each, one below the other.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def records_text(domain: str, records: Sequence[Mapping[str, Any]]) -> str:
    """What to publish; a policy of theirs that must stay has ours in it."""
    parts = [f"Publish these records in the DNS of {domain}:"]
    parts += [_record(number, one) for number, one in enumerate(records, 1)]
    return "\n\n".join(parts) + "\n"


def _record(number: int, record: Mapping[str, Any]) -> str:
    value = str(record["suggestion"] or record["value"])
    replaced = "\nIn place of the one that is there" if record["suggestion"] else ""
    lines = [f"{number}. {record['type']}", f"Name:  {record['name']}", f"Value: {value}"]
    return "\n".join(lines) + replaced
