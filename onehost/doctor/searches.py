"""search.db: whether it can be read, is of this release, and has been told of everything."""

from __future__ import annotations

import apsw

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import SEARCH
from chalicelib.adapters.sqlite.search_schema import SEARCH_SCHEMA
from onehost.doctor.finding import Findings, ok, warning
from onehost.doctor.host import Host
from onehost.storage.reading import reading

ANEW = "it is made anew when `posthorn serve` starts"


async def searches(host: Host) -> Findings:
    """Nothing of it is needed by mail: whatever is wrong with it mends itself at the next start."""
    path = host.state / SEARCH
    if not path.exists():
        return [ok(f"There is no {SEARCH}; {ANEW}")]
    try:
        with reading(path) as db:
            ((version,),) = fetched(db, "PRAGMA user_version")
            if version != len(SEARCH_SCHEMA):
                return [ok(f"{SEARCH} is of another release; {ANEW}")]
            ((lacking,),) = fetched(db, "SELECT count(*) FROM filling")
            ((told,),) = fetched(db, "SELECT count(*) FROM progress")
    except apsw.Error as error:
        step = f"Restart `posthorn serve`: {ANEW}"
        return [
            warning(f"Searches look at messages one by one, {SEARCH} is damaged: {error}", step)
        ]
    if not told:
        return [ok(f"{SEARCH} is empty; {ANEW}")]
    if lacking:
        return [
            ok(f"{SEARCH} is being made, older messages of {lacking} servers are not in it yet")
        ]
    return [ok(f"{SEARCH} has been told of every message")]
