"""The bill of materials of a release: CycloneDX 1.6 as JSON, made of the hashed lists of requirements.

Those lists are what is installed, to the byte, so that nothing has to be found out: each package with its version, its
hashes (one for each of its files, of which an installation takes one), who needs it, and by which lists it is there;
and htmx, which lies among our files. The same lists give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.release.failure import NotReleased

# What an installation of one host, the functions, and those that search have.
LISTS = ("requirements-local.txt", "requirements.txt", "requirements-lake.txt")
HTMX = "chalicelib/web/static/htmx.min.js"
_HTMX_VERSION = re.compile(rb'\bversion:"(\d+\.\d+\.\d+)"')
SPACE = uuid.UUID("7f1c3a52-0d9e-5b8f-9a41-5f0f6f3c2a10")
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+) \\$")
_HASH = re.compile(r"^    --hash=sha256:([0-9a-f]{64})(?: \\)?$")
_VIA = re.compile(r"^    #(?: via)? *(.*)$")


@dataclass(frozen=True, slots=True)
class Package:
    """One package of a list, and the names of those that need it: "" is the product itself."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(text: str, name: str) -> Iterator[Package]:
    """Those of a list as pip-compile writes it; NotReleased for a line of another form."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if _PACKAGE.match(line):
            blocks.append([line])
        elif line.startswith("    ") and blocks:
            blocks[-1].append(line)
        elif line and not line.startswith("#"):
            raise NotReleased(f"{name} has a line that is no pinned package: {line[:60]}")
    for head, *rest in blocks:
        found = _PACKAGE.match(head)
        hashes = tuple(one[1] for line in rest if (one := _HASH.match(line)))
        via = (one[1] for line in rest if (one := _VIA.match(line)))
        if found is None or not hashes:
            raise NotReleased(f"{name} has no hash of {head.partition('==')[0]}")
        needed = tuple(one for one in via if one and not one.startswith("-c "))
        yield Package(_normal(found[1]), found[2], hashes, tuple(map(_needing, needed)))


def _needing(text: str) -> str:
    """A package that needs another, without its extras; nothing for a list of what the product itself needs."""
    return "" if text.startswith("-") else _normal(text.partition("[")[0])


def _normal(name: str) -> str:
    """A name as package URLs have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill(lists: Mapping[str, str], version: str, epoch: int, htmx: bytes = b"") -> str:
    """The document for lists by their names, and for the file of htmx where there is one."""
    by_list = {name: list(packages(text, name)) for name, text in lists.items()}
    product = f"pkg:pypi/posthorn@{version}"
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": "posthorn",
                "version": version,
                "purl": product,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": _components(by_list),
        "dependencies": _dependencies(by_list, product),
    }
    if htmx:
        component = _htmx(htmx)
        document["components"].append(component)
        document["dependencies"].append({"ref": component["bom-ref"], "dependsOn": []})
        (ours,) = (one for one in document["dependencies"] if one["ref"] == product)
        ours["dependsOn"].append(component["bom-ref"])
    text = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(SPACE, text)}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _htmx(content: bytes) -> dict[str, Any]:
    found = _HTMX_VERSION.search(content)
    if found is None:
        raise NotReleased(f"{HTMX} does not say its version")
    version = found[1].decode()
    purl = f"pkg:npm/htmx.org@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": "htmx.org",
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}],
        "licenses": [{"license": {"id": "0BSD"}}],
        "properties": [{"name": "posthorn:file", "value": HTMX}],
    }


def _components(by_list: Mapping[str, Iterable[Package]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, listed in by_list.items():
        for one in listed:
            component = found.setdefault(
                one.purl,
                {
                    "type": "library",
                    "bom-ref": one.purl,
                    "name": one.name,
                    "version": one.version,
                    "purl": one.purl,
                    "hashes": [{"alg": "SHA-256", "content": each} for each in one.hashes],
                    "properties": [],
                },
            )
            component["properties"].append({"name": "posthorn:list", "value": name})
    return [found[purl] for purl in sorted(found)]


def _dependencies(by_list: Mapping[str, list[Package]], product: str) -> list[dict[str, Any]]:
    """Who needs what; what nobody else needs is needed by the product."""
    needs: dict[str, set[str]] = {product: set()}
    for listed in by_list.values():
        purls = {one.name: one.purl for one in listed}
        for one in listed:
            needs.setdefault(one.purl, set())
            for by in {purls.get(name, product) for name in one.needed_by} or {product}:
                needs.setdefault(by, set()).add(one.purl)
    return [{"ref": one, "dependsOn": sorted(needs[one])} for one in sorted(needs)]


def bill_of(root: Path, version: str, epoch: int) -> str:
    """The document of the sources in a folder."""
    lists = {name: (root / name).read_text() for name in LISTS}
    htmx = root / HTMX
    return bill(lists, version, epoch, htmx.read_bytes() if htmx.exists() else b"")
