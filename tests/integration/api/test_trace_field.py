"""The Received field of composed messages: PTR name or address, privacy, and patience with name servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.services.outgoing import submit
from chalicelib.services.outgoing.submit import SubmitMail
from tests.http_api import ApiWorld

if TYPE_CHECKING:
    import pytest

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


def received(api: ApiWorld) -> bytes:
    reply = api.v2("POST", "/emails", GOOD)
    return api.content(reply.json["id"]).partition(b"\r\n")[0]


def test_the_ptr_name_is_shown_and_asked_for_once(api: ApiWorld) -> None:
    resolver = api.scene.posthorn[ScriptedResolver]
    resolver.zone["127.0.0.1"] = {"PTR": ["client.example.net"]}
    for _ in range(3):
        assert received(api).startswith(
            b"Received: from api (client.example.net [127.0.0.1]) by posthorn.example.com with HTTP; "
        )
    assert [asked for asked in resolver.asked if "PTR" in asked] == [("PTR", "127.0.0.1")]


def test_privacy_leaves_the_client_out(api: ApiWorld) -> None:
    bootstrap.run(api.scene.change_server(privacy_mode=True))
    assert received(api).startswith(b"Received: by posthorn.example.com with HTTP; ")


def test_a_slow_name_server_costs_its_name_only(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: str) -> str:
        await asyncio.Event().wait()
        return "late.example.net"

    monkeypatch.setattr(submit, "PTR_PATIENCE", 0.01)
    monkeypatch.setattr(api.scene.posthorn[ScriptedResolver], "ptr", never)
    assert b"(127.0.0.1 [127.0.0.1])" in received(api)


def test_kept_names_are_bounded(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "MOST_PTR_NAMES", 2)
    service = api.scene.posthorn[SubmitMail]
    for number in range(5):
        bootstrap.run(service._peer_name(f"192.0.2.{number}"))
        assert len(service._names) <= 2
