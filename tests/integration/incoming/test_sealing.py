"""Mail that is forwarded is sealed, as dkimpy sees it too; what dkimpy sealed is valid here (RFC 8617)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dkim
import pytest
import yaml

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.domain.incoming.head import fields
from chalicelib.domain.inspection import Authentication, Inspection, Spf
from chalicelib.domain.mail.headers import read_headers
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming.arc_seal import SealArc
from chalicelib.services.incoming.authenticate import Authenticate
from chalicelib.services.incoming.signatures import Signatures, SignedMessage
from chalicelib.services.tenancy.directory import Directory
from tests.dkim_keys import KEYS
from tests.integration.incoming.test_signatures_of_others import MESSAGE, pem
from tests.worlds import Scene, make_scene

VECTORS = Path(__file__).parents[2] / "data" / "arc" / "sealing.yml"
FOUND = Inspection(authentication=Authentication(Spf("pass", "example.com", "192.0.2.1")))


async def scene_with_records() -> tuple[Scene, dict[str, str]]:
    # dkimpy takes no other time than the system's.
    scene = await make_scene(parts={Clock: SystemClock(Settings())})
    key = (await scene.posthorn[Directory].installation()).signing_key
    ours = f"{key.selector}._domainkey.{key.domain}"
    records = {ours: f"v=DKIM1; k=rsa; p={key.public}", **dict([KEYS[0].record])}
    for name, text in records.items():
        scene.posthorn[ScriptedResolver].zone[name] = {"TXT": [text]}
    return scene, records


async def state(scene: Scene, content: bytes) -> str:
    now = scene.posthorn[Clock].now() + 1
    message = SignedMessage(content, read_headers(content))
    return (await scene.posthorn[Signatures].arc(message, now)).result


async def sealed(scene: Scene, content: bytes) -> bytes:
    found = replace(FOUND.authentication, arc=await state(scene, content))
    arc = scene.posthorn[SealArc]
    return await arc.fields(content, replace(FOUND, authentication=found)) + content


def by_dkimpy(content: bytes, records: dict[str, str]) -> str:
    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        found = records.get(name.decode().rstrip("."))
        return found.encode() if found else None

    said: bytes = dkim.arc_verify(content, dnsfunc=txt)[0]
    return said.decode()


async def test_what_is_sealed_is_valid_to_dkimpy_too() -> None:
    scene, records = await scene_with_records()
    content = MESSAGE
    for number in (1, 2, 3):
        content = await sealed(scene, content)
        assert content.startswith(b"ARC-Seal: i=%d;" % number)
        assert content.endswith(MESSAGE)
        assert await state(scene, content) == "pass"
        assert by_dkimpy(content, records) == "pass"
    assert b"ARC-Authentication-Results: i=1; posthorn.example.com;\r\n\tspf=pass" in content
    assert by_dkimpy(content.replace(b"Bye", b"Buy"), records) == "fail"
    assert await state(scene, content.replace(b"Bye", b"Buy")) == "fail"


async def test_what_dkimpy_sealed_is_valid_and_goes_on() -> None:
    scene, records = await scene_with_records()
    key = KEYS[0]
    results = b"Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=a.example\r\n"
    content = results + MESSAGE
    fields = dkim.arc_sign(
        content, key.selector.encode(), key.domain.encode(), pem(key), b"mx.example.com",
        include_headers=[b"from", b"subject"],
    )  # fmt: skip
    content = b"".join(fields) + content
    assert await state(scene, content) == "pass"
    again = await sealed(scene, content)
    assert again.startswith(b"ARC-Seal: i=2;")
    assert b"cv=pass" in again
    assert by_dkimpy(again, records) == "pass"


async def test_a_chain_that_failed_is_sealed_once_as_such() -> None:
    scene, _ = await scene_with_records()
    broken = (await sealed(scene, MESSAGE)).replace(b"Bye", b"Buy")
    marked = await sealed(scene, broken)
    assert marked.startswith(b"ARC-Seal: i=2;")
    assert b"cv=fail" in marked
    assert await state(scene, marked) == "fail"
    assert await sealed(scene, marked) == marked


async def test_a_chain_with_sha1_is_told_as_such_and_sealed_with_sha256() -> None:
    scene, _ = await scene_with_records()
    document = yaml.safe_load(VECTORS.read_text())
    for name, text in document["txt-records"].items():
        scene.posthorn[ScriptedResolver].zone[name] = {"TXT": [text]}
    content = document["tests"]["after_sha1"]["message"].replace("\n", "\r\n").encode()
    assert content.count(b"a=rsa-sha1") == 2
    step = scene.posthorn[Authenticate]
    found = await step.found(content, 0, "192.0.2.1", "joe@example.com", "helo.example.com")
    assert (found.arc, found.arc_reason) == ("pass", "signed with rsa-sha1")
    told = b'\r\n\tarc=pass reason="signed with rsa-sha1"\r\n'
    inspection = Inspection(authentication=found)
    assert told in fields(inspection, "mx.example.com")
    front = await scene.posthorn[SealArc].fields(content, inspection)
    assert told in front
    assert front.count(b"a=rsa-sha256") == 2
    assert b"sha1;" not in front
    assert await state(scene, front + content) == "pass"


@pytest.mark.parametrize(
    "found", [None, replace(FOUND, authentication=Authentication(arc="temperror"))]
)
async def test_nothing_is_sealed_where_the_state_is_not_known(found: Inspection | None) -> None:
    scene, _ = await scene_with_records()
    assert await scene.posthorn[SealArc].fields(MESSAGE, found) == b""
