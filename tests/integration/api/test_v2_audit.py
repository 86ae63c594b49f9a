"""Every change leaves an entry, in one chain an organization, which shows when an entry was changed or removed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import Conflict
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, first_broken, of_chain
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.acting import acting
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.audit_log import AuditLog
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, places, refused


def entries(api: ApiWorld, tenant: str = "acme", query: str = "", **more: Any) -> list[Any]:
    reply = api.manage("GET", f"/audit{query}", tenant=tenant, **more)
    assert reply.status == 200, reply
    found: list[Any] = reply.json["data"]
    return found


def test_a_change_is_told_with_before_and_after_and_who_made_it(api: ApiWorld) -> None:
    own = a_key(api, "servers:write")
    change = api.manage("PATCH", "/servers/acme/app", {"mode": "Development"}, key=own)
    entry = entries(api)[0]
    assert (entry["action"], entry["tenant"]) == ("server.update", "acme/app")
    assert entry["object"] == {"type": "server", "id": "acme/app", "name": change.json["name"]}
    assert (entry["before"], entry["after"]) == ({"mode": "Live"}, {"mode": "Development"})
    assert (entry["actor"]["kind"], entry["actor"]["name"]) == ("key", "k")
    assert entry["address"] == "127.0.0.1"
    assert entry["request_id"]

    api.manage("PATCH", "/servers/acme/app", {"mode": "Development"}, key=own)
    assert entries(api)[0] == entry, "what changes nothing leaves no entry"


def test_a_verb_is_called_by_its_name(api: ApiWorld) -> None:
    api.manage("POST", "/servers/acme/app/suspend", {"reason": "spam"})
    api.manage("POST", "/servers/acme/app/unsuspend")
    assert [one["action"] for one in entries(api)[:2]] == ["server.unsuspend", "server.suspend"]
    key = api.manage("POST", "/keys", {"name": "n", "scopes": ["*"]}, "acme").json
    api.manage("DELETE", f"/keys/{key['id']}", tenant="acme")
    gone, made = entries(api)[:2]
    assert (gone["action"], gone["after"]) == ("key.delete", None)
    assert (made["action"], made["before"], made["after"]["scopes"]) == ("key.create", None, ["*"])
    assert key["key"] not in json.dumps([gone, made])
    assert hashlib.sha256(key["key"].encode()).hexdigest() not in json.dumps([gone, made])


def test_organizations_made_are_in_the_chain_of_the_installation(api: ApiWorld) -> None:
    api.manage("POST", "/organizations", {"name": "Other"})
    assert entries(api, "")[0]["object"] == {
        "type": "organization",
        "id": "other",
        "name": "Other",
    }
    api.manage("PATCH", "/organizations/other", {"name": "New"})
    assert [one["action"] for one in entries(api, "other")] == ["organization.update"]
    own = a_key(api, "audit:read", "domains:read")
    assert refused(api.manage("GET", "/audit", key=own)) == (422, "tenant_required")
    assert refused(api.manage("GET", "/audit", tenant="other", key=own)) == (404, "not_found")


def test_other_doors_leave_entries_too(api: ApiWorld) -> None:
    credentials, server = api.scene.posthorn[Credentials], api.scene.server
    bootstrap.run(credentials.create(server, CredentialKind.SMTP, "by hand"))
    entry = entries(api)[0]
    assert (entry["action"], entry["object"]["name"]) == ("credential.create", "by hand")
    assert entry["actor"] == {"kind": "system", "id": None, "name": "posthorn"}


def test_lists_are_narrowed_and_paged(api: ApiWorld) -> None:
    for number in range(3):
        api.scene.clock.advance(60)
        api.manage("PATCH", "/organizations/acme", {"name": f"Acme {number}"})
    newest, *_, oldest = entries(api, query="?action=organization.update")
    at = newest["at"]
    assert entries(api, query=f"?since={at}") == [newest]
    assert newest not in entries(api, query=f"?until={at}")
    assert entries(api, query="?object=app&action=nothing") == []
    assert {one["actor"]["name"] for one in entries(api, query="?actor=root")} == {"root"}

    pages, cursor = [], ""
    while True:
        reply = api.manage("GET", f"/audit?limit=2{cursor}", tenant="acme").json
        pages += reply["data"]
        if not reply["has_more"]:
            break
        cursor = f"&cursor={reply['next_cursor']}"
    assert pages == entries(api, query="?limit=100")
    assert oldest in pages
    wrong = api.manage("GET", f"/audit?limit=2{cursor}", tenant="acme/app")
    assert places(wrong) == [("/cursor", "cursor")]


def test_the_chain_shows_what_was_done_to_it(api: ApiWorld) -> None:
    for number in range(4):
        api.manage("PATCH", "/organizations/acme", {"name": f"Acme {number}"})
    chain = entries(api, query="?limit=100")[::-1]
    assert [int(one["id"]) for one in chain] == list(range(1, len(chain) + 1))
    assert chain[0]["previous"] == "0" * 64
    assert first_broken(chain) is None
    for number, entry in enumerate(chain):
        bare = {name: one for name, one in entry.items() if name != "hash"}
        text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == entry["hash"]
        changed = [*chain[:number], {**entry, "address": "192.0.2.1"}, *chain[number + 1 :]]
        assert first_broken(changed) == entry["id"]
    without = [*chain[:2], *chain[3:]]
    assert first_broken(without) == chain[3]["id"]
    assert first_broken(chain[1:]) == chain[1]["id"]

    repository, log = api.scene.posthorn[Repository], api.scene.posthorn[AuditLog]
    number = api.scene.organization.id
    assert bootstrap.run(log.first_broken(number)) == (len(chain), None)
    newest, *_ = bootstrap.run(repository.all(AUDIT_ENTRIES, of_chain(number)))
    bootstrap.run(repository.remove(AUDIT_ENTRIES, newest))
    assert bootstrap.run(log.first_broken(number)) == (len(chain) - 1, chain[-1]["id"])


def test_a_change_that_fails_leaves_no_entry(api: ApiWorld) -> None:
    before = entries(api, "")
    with pytest.raises(Conflict):
        bootstrap.run(api.scene.posthorn[Organizations].create("Acme", "acme"))
    assert entries(api, "") == before


def test_changes_at_the_same_time_are_all_in_the_chain(api: ApiWorld) -> None:
    credentials, server = api.scene.posthorn[Credentials], api.scene.server

    async def many() -> None:
        names = (f"key {number}" for number in range(6))
        await asyncio.gather(
            *(credentials.create(server, CredentialKind.API, name) for name in names)
        )

    bootstrap.run(many())
    chain = entries(api, query="?limit=100")[::-1]
    assert len([one for one in chain if one["object"]["name"].startswith("key ")]) == 6
    assert first_broken(chain) is None


def test_a_server_does_not_show_the_log_of_an_earlier_one_of_its_name(api: ApiWorld) -> None:
    made = {"organization": "acme", "name": "Mail"}
    api.manage("POST", "/servers", made)
    earlier = entries(api, "acme/mail")
    assert [one["action"] for one in earlier] == ["server.create"]
    posthorn = api.scene.posthorn
    server = bootstrap.run(posthorn[Servers].get("acme", "mail"))
    with acting(None):  # as a purge leaves it
        bootstrap.run(posthorn[Repository].remove(SERVERS, server))
    api.scene.clock.advance(3_600)
    assert api.manage("POST", "/servers", made).status == 201
    assert [one["request_id"] for one in entries(api, "acme/mail")] != [
        one["request_id"] for one in earlier
    ]
    assert len(entries(api, "acme/mail")) == 1
    assert [one["action"] for one in entries(api)].count("server.create") >= 2


def test_what_is_only_copied_leaves_no_entry(api: ApiWorld) -> None:
    before = entries(api, query="?limit=100")
    credentials, server = api.scene.posthorn[Credentials], api.scene.server
    with acting(None):
        asyncio.run(credentials.create(server, CredentialKind.API, "copied"))
    assert entries(api, query="?limit=100") == before


def test_addresses_stand_as_their_hashes(api: ApiWorld) -> None:
    api.manage("PATCH", "/organizations/acme", {"name": "Mail Ada@Example.com today"})
    digest = hashlib.sha256(b"ada@example.com").hexdigest()
    assert entries(api)[0]["after"]["name"] == f"Mail sha256:{digest} today"
