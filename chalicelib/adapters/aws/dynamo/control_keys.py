"""Where configuration lies in the control table, as the declarations of `chalicelib.domain` say it.

| What | PK | SK |
|---|---|---|
| a value (`v`), at its place | `<owner's code>#<owner's id>` | `<entity's code>#<name>` |
| its copy (`v`), or its owner's id (`n`), at a look-up's place | the same | `<look-up's code>#<name>` |
| an owner that ever had one | `<code of the owners>` | the owner's id |
| number counter (`n`) | `SEQ` | kind |

What is empty in a declaration is left out together with its `#`. So a server is at `V#<server>`, `A`, and pointed to
from `O#<organization>`, `V#<permalink>`; a credential is at `V#<server>`, `K#<id>`, and copied to `K#<digest>`, `A`.
Everything is found by primary key, so every read can be consistent; the table needs no index.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Key
from chalicelib.domain.tenancy.entity import Owner, Place

NUMBERS = "SEQ"


def key_at(code: str, place: Place) -> Key:
    """The primary key of a place, for an entity's or look-up's code."""
    return partition_of(place.owner), prefix_of(code) + place.name


def partition_of(owner: Owner) -> str:
    """The partition of what an owner has."""
    return f"{owner.code}#{owner.id}" if owner.id else owner.code


def prefix_of(code: str) -> str:
    """What the sort keys of a kind begin with."""
    return f"{code}#" if code else ""
