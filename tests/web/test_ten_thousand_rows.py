"""Ten thousand of what a page lists: a page of them is small, its store has bounded work, and the last one comes.

Work is counted in instructions of SQLite's machine. Two lists are walked to their end, of the others some pages are
looked at. What is counted beside a list is counted up to ten thousand, and of people and organizations all are read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain import lifecycle
from chalicelib.domain.model import MessageRecord, Scope, Status
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.acting import acting
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from tests.fakes import a_delivery, a_message
from tests.listed import list_new
from tests.page_browser import Browser, Shown, signed_in
from tests.web.looking import MOST_NODES
from tests.worlds import Scene, make_scene

ROWS = 10_000
AT_A_TIME = 500
SERVER = "/org/acme/servers/app"
NEXT = re.compile(r'<a [^>]*href="([^"]*)"[^>]*rel="next"')
STEP = 100  # instructions of SQLite's machine at a time
Make = Callable[[Scene], Awaitable[None]]


async def outgoing(scene: Scene) -> None:
    await _messages(scene, Scope.OUTGOING)


async def incoming(scene: Scene) -> None:
    await _messages(scene, Scope.INCOMING)


async def waiting(scene: Scene) -> None:
    delayed = a_delivery(1, Status.SOFT_FAIL)
    later = int(scene.clock.now()) + 9_999
    await _messages(scene, Scope.OUTGOING, lambda one: lifecycle.waiting(one, delayed, later))


async def held(scene: Scene) -> None:
    kept = a_delivery(1, Status.HELD)
    await _messages(scene, Scope.OUTGOING, lambda one: lifecycle.held(one, kept, None))


async def _messages(
    scene: Scene, scope: Scope, moved: Callable[[MessageRecord], MessageRecord] | None = None
) -> None:
    store, server = scene.posthorn[MessageStore], scene.server.id
    for first in range(1, ROWS + 1, AT_A_TIME):
        some = [a_message(server, first + one, scope=scope) for one in range(AT_A_TIME)]
        await store.create(some)
        for one in some if moved else ():
            record = MessageRecord(one)
            assert moved is not None
            assert await store.replace(record, moved(record))


async def suppressed(scene: Scene) -> None:
    now = scene.clock.now()
    for first in range(0, ROWS, AT_A_TIME):
        some = [
            Suppression(f"a{first + one}@example.com", "bounced", now, int(now) + 999_999)
            for one in range(AT_A_TIME)
        ]
        await list_new(scene.posthorn[SuppressionList], scene.server.id, some, now)


async def audited(scene: Scene) -> None:
    store, place = scene.posthorn[Repository], SERVERS.place(scene.server)
    with acting(Acting(Actor("user", "ada@acme.test", "us1"), "192.0.2.7", "r1")):
        for number in range(ROWS):
            await store.modify(SERVERS, place, partial(_named, name=f"Shop {number}"))


def _named(server: Server, name: str) -> Server:
    return replace(server, name=name)


async def users(scene: Scene) -> None:
    await _people(scene)


async def members(scene: Scene) -> None:
    await _people(scene, in_acme=True)


async def _people(scene: Scene, *, in_acme: bool = False) -> None:
    store = scene.posthorn[Repository]
    with acting(None):
        for number in range(ROWS):
            await store.add(USERS, User(f"us{number}", f"u{number}@people.test", 1))
            if in_acme:
                member = Member(scene.organization.id, f"us{number}", Role.VIEWER, 1)
                await store.add(MEMBERS, member)


async def organizations(scene: Scene) -> None:
    store = scene.posthorn[Repository]
    with acting(None):
        for number in range(ROWS):
            one = replace(
                scene.organization,
                id=OrganizationId(scene.organization.id + 1 + number),
                permalink=f"o{number}",
                name=f"Organization {number}",
            )
            await store.add(ORGANIZATIONS, one)


@dataclass(frozen=True)
class Listed:
    """A page: where it is, who makes its rows, by what a row is known, how many hundred instructions one may take, and
    how many pages are looked at (None: all)."""

    path: str
    make: Make
    row: str
    most: int
    pages: int | None = 3


MESSAGE = rf'{SERVER}/messages/(\d+)"'
LISTS = [
    Listed(f"{SERVER}/messages/outgoing", outgoing, MESSAGE, 100, None),
    Listed(f"{SERVER}/messages/incoming", incoming, MESSAGE, 600),
    Listed(f"{SERVER}/queue", waiting, MESSAGE, 30_000),
    Listed(f"{SERVER}/held", held, MESSAGE, 15_000),
    Listed(f"{SERVER}/suppressions", suppressed, r"suppressions/(a\d+%40example.com)", 5_000, None),
    Listed(f"{SERVER}/audit", audited, r"Shop (\d+)", 100),
    Listed("/org/acme/members", members, r"/org/acme/members/(us\d+)", 3_000),
    Listed("/admin/users", users, r"/admin/users/(us\d+)", 2_000),
    Listed("/admin/organizations", organizations, r"/org/(o\d+)", 2_000),
]


@pytest.mark.slow
@pytest.mark.parametrize("listed", LISTS, ids=lambda one: one.path)
async def test_ten_thousand_rows_are_small_pages(listed: Listed) -> None:
    scene = await make_scene()
    await listed.make(scene)
    boss = await signed_in(
        scene.posthorn, "root@acme.test", Role.OWNER, scene.organization, admin=True
    )
    seen: set[str] = set()
    address: str | None = listed.path
    looked_at = 0
    while address is not None and looked_at != listed.pages:
        scene.clock.advance(60)  # what stands around it is asked for anew
        work, shown = await _worked(scene, boss, address)
        assert work <= listed.most, (address, work)
        assert shown.status == 200, (address, shown.text[:500])
        assert shown.nodes <= MOST_NODES, (address, shown.nodes)
        rows = set(re.findall(listed.row, shown.html))
        assert rows - seen, address
        seen |= rows
        following = NEXT.search(shown.html)
        address = html.unescape(following[1]) if following else None
        looked_at += 1
    assert len(seen) == ROWS if listed.pages is None else address is not None


async def _worked(scene: Scene, browser: Browser, address: str) -> tuple[int, Shown]:
    """How much SQLite had to do for a page."""
    worked = 0

    def more() -> bool:
        nonlocal worked
        worked += 1
        return False

    databases = [scene.posthorn[one]._writer for one in (MailDatabase, ControlDatabase)]
    for one in databases:
        one.set_progress_handler(more, STEP)
    shown = await browser.get(address)
    for one in databases:
        one.set_progress_handler(None)
    return worked, shown
