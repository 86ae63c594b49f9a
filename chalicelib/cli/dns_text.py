"""Records in DNS as text: what to publish, beside what is there."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.cli.terminal import visible
from posthorn_client.models import Record


def records_text(records: Sequence[Record]) -> str:
    """Each record on lines of its own: values are too long for a table, and are there to be copied. What is not right
    is said, and what to publish instead of what is there."""
    return "\n".join(f"  {visible(line)}" for record in records for line in _lines(record))


def _lines(record: Record) -> list[str]:
    need = "required" if record["required"] else "recommended"
    looked = f", {record['status']}" if record["status"] else ""
    lines = [f"{record['type']} {record['name']}  ({record['purpose']}, {need}{looked})"]
    lines.append(f"  {record['value']}")
    if record["status"] in {None, "OK"}:
        return lines
    lines += [f"  found: {one}" for one in record["found"]]
    if record["text"]:
        lines.append(f"  {record['text']}")
    if record["suggestion"] is not None:
        lines.append(f"  publish instead: {record['suggestion']}")
    return lines


def is_right(record: Record) -> bool:
    """Whether the record is as it should be."""
    return record["status"] == "OK"
