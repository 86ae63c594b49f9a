"""Records in DNS as text: what to publish, beside what is there."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.cli.terminal import visible
from posthorn_client.models import Domain, Record

WRONG = frozenset({"Missing", "Invalid"})


def records_text(records: Sequence[Record]) -> str:
    """Each record on lines of its own: values are too long for a table, and are there to be copied. What is not right
    is said, and what to publish instead of what is there."""
    return _indented([line for record in records for line in _lines(record)])


def to_publish(domain: Domain) -> list[Record]:
    """The records of a domain but for those of retired keys."""
    return [one for one in domain["records"] if not _is_retired(one, domain)]


def to_remove_text(domain: Domain) -> str:
    """The records of a domain's retired keys under a heading, behind an empty line; nothing without any."""
    retired = [one for one in domain["records"] if _is_retired(one, domain)]
    if not retired:
        return ""
    head = f"May be removed from {visible(domain['name'])} once they are not listed here, after seven days:"
    return f"\n\n{head}\n\n{_indented([line for one in retired for line in _head(one, 'retired')])}"


def _is_retired(record: Record, domain: Domain) -> bool:
    selector, _, rest = record["name"].partition("._domainkey.")
    retired = {one["selector"] for one in domain["keys"] if one["state"] == "retired"}
    return bool(rest) and selector in retired


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"  {visible(line)}" for line in lines)


def _head(record: Record, need: str) -> list[str]:
    looked = f", {record['status']}" if record["status"] else ""
    first = f"{record['type']} {record['name']}  ({record['purpose']}, {need}{looked})"
    return [first, f"  {record['value']}"]


def _lines(record: Record) -> list[str]:
    lines = _head(record, "required" if record["required"] else "recommended")
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
