"""The certificate of a name in the storage of Caddy, which has a folder for each authority."""

from __future__ import annotations

from pathlib import Path

from chalicelib.domain.errors import PermanentFailure
from onehost.certificates.install import PairFiles
from onehost.certificates.leaf import read_leaf

STORAGE = Path("/var/lib/caddy/.local/share/caddy")
MOST_AUTHORITIES = 100


def pair_of(storage: Path, name: str) -> PairFiles:
    """The pair that is valid longest. PermanentFailure when there is none. Caddy writes names in lower case."""
    authorities = sorted((storage / "certificates").glob("*"))[:MOST_AUTHORITIES]
    lower = name.lower()
    stem = f"wildcard_.{lower.partition('.')[2]}"
    found = {
        pair: ends
        for authority in authorities
        for one in (lower, stem)
        if (ends := _end_of(pair := _pair(authority / one)))
    }
    if not found:
        raise PermanentFailure(
            f"Caddy has no certificate for {name} in {storage}: look at `journalctl -u caddy`"
        )
    return max(found, key=lambda pair: found[pair])


def _pair(folder: Path) -> PairFiles:
    return PairFiles(folder / f"{folder.name}.crt", folder / f"{folder.name}.key")


def _end_of(pair: PairFiles) -> float:
    """When it ends; 0 for what is none."""
    try:
        return read_leaf(pair.chain).ends_at if pair.key.exists() else 0.0
    except (OSError, ValueError):
        return 0.0
