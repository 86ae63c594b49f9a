"""Plays ARC cases in the YAML form of the Valimail suite (arc-draft-validation-tests.yml, arc-draft-sign-tests.yml):

    .venv/bin/python -m tests.arc_suite FILE...

A document has `tests` and `txt-records`. A case of validation has a `message` and `cv`; a case of sealing besides the
time `t`, `sig-headers`, and what was found of the message: `auth-res`, or in the suite's later form the fields of the
message that `srv-id` wrote, whatever comments stand beside its name, taken together, whose `arc=` is then what is
sealed. The fields that are expected are compared tag by tag: all but `b=`, which depends on how a field is folded, and
`h=`, in which ours has From once more. What was sealed must be valid.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chalicelib.adapters.crypto.signature_check import CryptographySignatureCheck
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.incoming.arc_fields import Sealing
from chalicelib.domain.mail.headers import Field, read_headers
from chalicelib.services.incoming.arc_seal import new_set
from chalicelib.services.incoming.signatures import Signatures, SignedMessage

NOW = 1_800_000_000.0
UNCOMPARED = ("b=", "h=")
_COMMENT = re.compile(r"\([^()]*\)")
FIELDS = {"AS": b"arc-seal", "AMS": b"arc-message-signature", "AAR": b"arc-authentication-results"}

Case = Mapping[str, Any]


def cases(paths: Iterable[Path]) -> Iterator[tuple[str, Case, Case]]:
    """Name, case and document of every case."""
    for path in paths:
        for document in yaml.safe_load_all(path.read_text()):
            if document:
                for name, case in document["tests"].items():
                    yield name, case, document


def fault(case: Case, document: Case) -> str:
    """What is not as the case expects; empty where all is."""
    return asyncio.run(
        _sealed(case, document) if "sig-headers" in case else _validated(case, document)
    )


async def _validated(case: Case, document: Case) -> str:
    state = await _state(_octets(case["message"]), document)
    expected = str(case["cv"] or "fail").lower()  # the suite leaves some that fail empty
    return "" if state == expected else f"{state} instead of {expected}"


async def _sealed(case: Case, document: Case) -> str:
    content = _octets(case["message"])
    state = await _state(content, document)
    told = _told(case, content)
    said = re.search(r";\s*arc=(\w+)", told)
    sealed = said[1] if said else state
    names = {name.strip().lower().encode() for name in str(case["sig-headers"]).split(":")}
    sealing = Sealing(document["domain"], document["sel"], int(case["t"]), names)
    sign = partial(_signature, load_pem_private_key(document["privatekey"].encode(), None))
    front = await new_set(content, sealed, told, sealing, sign)
    own = read_headers(front).fields
    for label, name in FIELDS.items():
        expected, found = _tags(str(case[label] or "")), _tags(_value(own, name))
        if expected != found:
            return f"{label}: {sorted(found ^ expected)}"
    if front and "fail" not in (state, sealed):
        state = await _state(front + content, document)
        return "" if state == "pass" else f"what was sealed is {state}"
    return ""


async def _state(content: bytes, document: Case) -> str:
    zone = {name: {"TXT": [text]} for name, text in _records(document).items()}
    signatures = Signatures(ScriptedResolver(zone), CryptographySignatureCheck())
    found = await signatures.arc(SignedMessage(content, read_headers(content)), NOW)
    return found.result


def _records(document: Case) -> Mapping[str, str]:
    """The suite has had two spellings of the name."""
    return document.get("txt-records") or document.get("txt_records") or {}


def _told(case: Case, content: bytes) -> str:
    """What was found of the message before it is sealed."""
    if "auth-res" in case:
        return " ".join(case["auth-res"].split())
    found = [
        " ".join(one.value.decode().split()).rstrip(" ;").partition(";")
        for one in read_headers(content).fields
        if one.name == b"authentication-results"
    ]
    name = str(case["srv-id"])
    return ";".join(
        [name, *(told for writer, _, told in found if _COMMENT.sub("", writer).strip() == name)]
    )


async def _signature(key: Any, digest: bytes) -> bytes:
    assert isinstance(key, RSAPrivateKey)
    return key.sign(digest, PKCS1v15(), Prehashed(SHA256()))


def _octets(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _value(fields: Iterable[Field], name: bytes) -> str:
    return next((one.value.decode() for one in fields if one.name == name), "")


def _tags(value: str) -> set[str]:
    tags = {"".join(one.split()) for one in value.split(";")} - {""}
    return {one for one in tags if not one.startswith(UNCOMPARED)}


def main(paths: Iterable[Path]) -> int:
    """Tell of each case that is not as expected; 1 if there is one."""
    played = faults = 0
    for name, case, document in cases(paths):
        played += 1
        if wrong := fault(case, document):
            faults += 1
            sys.stdout.write(f"{name}: {wrong}\n")
    sys.stdout.write(f"{played} cases, {faults} not as expected\n")
    return 1 if faults or not played else 0


if __name__ == "__main__":
    raise SystemExit(main(map(Path, sys.argv[1:])))
