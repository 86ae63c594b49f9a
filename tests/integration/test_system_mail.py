"""What the installation writes to people goes by the server that the settings name, or stands in the log."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from chalicelib.config import Settings, read_settings
from chalicelib.domain.errors import Rejected, TemporaryFailure
from chalicelib.domain.model import Status
from chalicelib.domain.people.roles import Role
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.suspensions import Suspensions
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.people import a_person, made_member
from tests.stores import all_messages
from tests.worlds import Scene, make_scene

SETTINGS = Settings(
    system_server="acme/app", system_from="posthorn@acme.test", postmaster="ada@example.com"
)


async def content_of(scene: Scene, number: int) -> bytes:
    history = scene.posthorn[MessageHistory]
    found = await history.content(await history.record(scene.server.id, number))
    assert found is not None
    return found


async def test_it_is_accepted_and_delivered_as_all_mail_is() -> None:
    scene = await make_scene(SETTINGS)
    await scene.posthorn[SystemMail].send("bob@example.com", "Your code", "It is 4711.\n")
    (message,) = all_messages(scene.posthorn)
    assert (message.rcpt_to, message.subject) == ("bob@example.com", "Your code")
    assert message.origin.credential_id == "system"
    content = await content_of(scene, message.id)
    assert b"From: posthorn@acme.test\r\nTo: bob@example.com\r\n" in content
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in content
    assert b"\r\nX-Posthorn-Track: no\r\n" in content  # a link that lets in is kept nowhere
    assert b"\r\n\r\nIt is 4711." in content
    await scene.deliver_ready()
    assert (await scene.record(message)).status is Status.SENT
    (sent,) = scene.egress.received
    assert b"DKIM-Signature:" in sent.content


async def test_without_a_server_it_is_a_temporary_failure_and_a_notice_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = await make_scene(Settings(postmaster="ada@example.com"))
    mail = scene.posthorn[SystemMail]
    assert not mail.is_on
    with pytest.raises(TemporaryFailure, match="POSTHORN_SYSTEM_SERVER"):
        await mail.send("bob@example.com", "Your code", "It is 4711.")
    with caplog.at_level(logging.WARNING):
        await mail.notify(scene.organization, "Something", "happened")
    (line,) = caplog.records
    assert line.fields == {"subject": "Something", "organization": "acme"}  # type: ignore[attr-defined]
    assert all_messages(scene.posthorn) == []


async def test_a_notice_goes_to_owners_and_admins_where_there_are_some() -> None:
    scene = await make_scene(SETTINGS)
    told = {}
    for role in Role:
        told[role] = await a_person(scene.posthorn)
        await made_member(scene.posthorn, told[role], scene.organization.id, role)
    await scene.posthorn[SystemMail].notify(scene.organization, "Something", "happened")
    addresses = {message.rcpt_to for message in all_messages(scene.posthorn)}
    assert addresses == {told[Role.OWNER].email, told[Role.ADMIN].email}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (replace(SETTINGS, system_server="acme/gone"), "is not there"),
        (replace(SETTINGS, system_from="posthorn@other.test"), "may not send as its address"),
    ],
)
async def test_a_server_that_cannot_send_it_is_a_temporary_failure(
    settings: Settings, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = await make_scene(settings)
    with pytest.raises(TemporaryFailure, match=why):
        await scene.posthorn[SystemMail].send("bob@example.com", "Your code", "4711")
    await scene.posthorn[SystemMail].notify(None, "Something", "happened")
    assert "notice not mailed" in caplog.text


async def test_an_address_that_is_none_is_refused() -> None:
    scene = await make_scene(SETTINGS)
    with pytest.raises(Rejected):
        await scene.posthorn[SystemMail].send("nobody\r\n", "Your code", "4711")


async def test_a_suspension_is_told_once() -> None:
    scene = await make_scene(SETTINGS)
    other = await scene.posthorn[Organizations].create("Other")
    server = await scene.posthorn[Servers].create(other, "Mail")
    suspensions = scene.posthorn[Suspensions]
    server = await suspensions.suspend_server(server, "unpaid")
    await suspensions.suspend_server(server, "again")
    await suspensions.suspend_organization("other", "unpaid")
    await suspensions.suspend_organization("other", "again")
    told = all_messages(scene.posthorn)
    assert [(one.rcpt_to, one.subject) for one in told] == [
        ("ada@example.com", "The mail server other/mail was suspended"),
        ("ada@example.com", "The organization other was suspended"),
    ]
    assert b"Reason: unpaid" in await content_of(scene, told[0].id)


async def test_whoever_suspends_the_server_of_system_mail_is_not_told_by_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = await make_scene(SETTINGS)
    await scene.posthorn[Suspensions].suspend_organization("acme", "unpaid")
    assert all_messages(scene.posthorn) == []
    assert "notice not mailed" in caplog.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SYSTEM_SERVER", "acme"),
        ("SYSTEM_FROM", "acme.test"),
        ("POSTMASTER", "Ada <ada@acme.test>"),
    ],
)
def test_settings_of_another_form_are_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"POSTHORN_{name} must be"):
        read_settings({f"POSTHORN_{name}": text})


def test_server_and_address_are_set_together() -> None:
    with pytest.raises(ValueError, match="set together"):
        read_settings({"POSTHORN_SYSTEM_SERVER": "acme/app"})
    both = {"POSTHORN_SYSTEM_SERVER": "acme/app", "POSTHORN_SYSTEM_FROM": "a@acme.test"}
    assert read_settings(both).system_from == "a@acme.test"
