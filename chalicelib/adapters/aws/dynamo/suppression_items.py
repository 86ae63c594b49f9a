"""Items of suppressed recipients: an entry as an item and back, its place by time, and the condition that it is as it
was read."""

from __future__ import annotations

import hashlib

from chalicelib.adapters.aws.dynamo.table import Item, key_of
from chalicelib.adapters.storage.suppressed import key_of_entry
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.suppression import SYSTEM, Suppression, scope_of

_TIES = 10**18
_ALWAYS = ("d", "t", "x")
_SOMETIMES = ("em", "re", "nt", "cb")


def partition_of(owner: ServerId) -> str:
    """Where the entries of a list are."""
    return f"S#{owner}#SUP"


def first_at(at: float) -> int:
    """The first place of a moment."""
    return round(at * 1_000_000) * _TIES


def place_of(owner: ServerId, entry: Suppression) -> int:
    """Where an entry stands among all by time; no two have the same."""
    digest = hashlib.sha256(f"{owner}/{key_of_entry(entry)}".encode()).hexdigest()
    return first_at(entry.at) + int(digest[:16], 16) % _TIES


def entry_item(owner: ServerId, entry: Suppression) -> Item:
    """The item of an entry."""
    partition = partition_of(owner)
    item = {
        **key_of(partition, key_of_entry(entry)),
        "dk": {"S": partition},
        "du": {"N": str(place_of(owner, entry))},
        "r": {"S": entry.address},
        "d": {"S": entry.reason},
        "t": {"N": repr(entry.at)},
        "x": {"N": str(entry.keep_until)},
    }
    numbers = (("em", entry.email), ("re", entry.report))
    item |= {name: {"N": str(one)} for name, one in numbers if one is not None}
    texts = (("st", entry.stream), ("nt", entry.note))
    item |= {name: {"S": one} for name, one in texts if one is not None}
    return item if entry.created_by == SYSTEM else item | {"cb": {"S": entry.created_by}}


def as_read(owner: ServerId, before: Suppression) -> tuple[str, Item]:
    """The condition that an entry is as it was read, and its values."""
    known = entry_item(owner, before)
    there = [*_ALWAYS, *(name for name in _SOMETIMES if name in known)]
    equal = [f"{name} = :{name}" for name in there]
    missing = [f"attribute_not_exists({name})" for name in _SOMETIMES if name not in known]
    return " AND ".join((*equal, *missing)), {f":{name}": known[name] for name in there}


def read_entry(owner: ServerId, item: Item) -> Suppression:
    """The entry of an item."""
    stream = item["st"]["S"] if "st" in item else None
    return Suppression(
        address=item["r"]["S"],
        reason=item["d"]["S"],
        at=float(item["t"]["N"]),
        keep_until=int(item["x"]["N"]),
        email=MessageId(int(item["em"]["N"])) if "em" in item else None,
        report=int(item["re"]["N"]) if "re" in item else None,
        scope=scope_of(owner, stream),
        stream=stream,
        note=item["nt"]["S"] if "nt" in item else None,
        created_by=item["cb"]["S"] if "cb" in item else SYSTEM,
    )
