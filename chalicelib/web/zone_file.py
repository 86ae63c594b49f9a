"""The records of a domain as a zone file (RFC 1035 section 5), for panels that read one and for colleagues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SECONDS = 3_600
LONGEST_STRING = 255


def zone_file(domain: str, records: Sequence[Mapping[str, Any]]) -> str:
    """What to publish for a domain; a policy of theirs that must stay has ours in it."""
    lines = [f"; Records of {domain} for Posthorn", f"$TTL {SECONDS}"]
    lines += [_line(one) for one in records]
    return "\n".join(lines) + "\n"


def _line(record: Mapping[str, Any]) -> str:
    kind, value = record["type"], str(record["suggestion"] or record["value"])
    data = _texts(value) if kind == "TXT" else f"{value}."
    return f"{record['name']}. IN {kind} {data}"


def _texts(value: str) -> str:
    """Character strings: at most 255 octets each, with quotes and backslashes escaped."""
    parts = [value[at : at + LONGEST_STRING] for at in range(0, len(value), LONGEST_STRING)]
    return " ".join(f'"{_escaped(part)}"' for part in parts)


def _escaped(text: str) -> str:
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(one if " " <= one <= "~" else f"\\{min(ord(one), 255):03d}" for one in shown)
