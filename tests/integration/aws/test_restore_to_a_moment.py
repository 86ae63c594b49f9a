"""`python -m infra.restore`: tables of the past beside those that stand, held and counted on as on one host."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.adapters.scripted.time import SeededRand
from chalicelib.adapters.scripted.world import scripted_parts
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.jobs import Job
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.model import Delivery, DeliveryJob, Message, State, Status
from chalicelib.domain.people.owners import ENDS_OF_SESSIONS
from chalicelib.domain.people.sessions import BY_END_OF_SESSION, SESSIONS, Session
from chalicelib.domain.restored import Hold
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.restored import MakeRestoredReady
from chalicelib.services.tenancy.authenticate import Authenticate
from infra.current_state import CurrentState, read
from infra.destroy import look
from infra.restore import Restored, main, read_moment, restore_to
from infra.restored_tables import check_moment, is_ready, window_of
from infra.stack import DATA_TEMPLATE, Stack, cloudformation, data_parameters, deploy
from infra.targets import Target, WrongOrder, find_target
from infra.templates import load, render, with_numbers
from tests.aws_backend import Backend
from tests.kept_mail import Host
from tests.worlds import KeptKeys, Scene, make_scene, publish

pytestmark = pytest.mark.aws


@dataclass
class Installation:
    """A data plane with a tenant in it."""

    target: Target
    prefix: str
    scene: Scene
    settings: Settings

    @property
    def state(self) -> CurrentState:
        return read(self.target, self.prefix)

    def tables(self, made: Restored) -> Posthorn:
        """The program on the restored tables."""
        settings = replace(self.settings, mail_table=made.mail, control_table=made.control)
        return Posthorn(settings, "aws")

    def scene_on(self, made: Restored) -> Scene:
        """The tenant on the restored tables, in a scripted world that has the same receivers."""
        settings = self.tables(made).settings
        parts = {**scripted_parts(live=False), Rand: SeededRand(2), KeyMaker: KeptKeys()}
        again = Posthorn(settings, "aws", parts)
        publish(again, "example.com")
        return replace(self.scene, posthorn=again)

    async def restore(self, moment: datetime | None = None) -> Restored:
        """In a thread, since the command has a loop of its own."""
        return await asyncio.to_thread(
            restore_to, self.target, self.prefix, self.state, moment, lambda _: None
        )


@pytest.fixture
async def installation(aws_backend: Backend) -> Installation:
    prefix = f"t{secrets.token_hex(5)}"
    settings = aws_backend.settings(prefix)
    target = find_target("local", aws_backend.variables, aws_backend.endpoint)
    return Installation(target, prefix, await make_scene(on_aws=settings), settings)


async def fill(scene: Scene) -> dict[str, Message]:
    """Mail that waits, that a worker has, that is done, and that is held."""
    host = Host(Path(), scene.posthorn, scene.server, scene.principal, scene.api_key)
    mail = {name: (await scene.accept())[0] for name in ("waiting", "leased", "done", "held")}
    await scene.posthorn[MessageStore].create(list(mail.values()))
    await host.lease(mail["leased"])
    await host.finish(mail["done"])
    before = await host.lease(mail["held"])
    after = lifecycle.held(before, Delivery(900, Status.HELD, "By hand", host.now), None)
    assert await scene.posthorn[MessageStore].replace(before, after)
    session = Session("digest", "s1", "u1", 1, 1, 2**31, 1)
    await scene.posthorn[Repository].add(SESSIONS, session)
    return mail


async def states(program: Posthorn, mail: dict[str, Message]) -> dict[str, State]:
    store = program[MessageStore]
    return {
        name: (await store.get(message.server_id, message.id)).state
        for name, message in mail.items()
    }


HELD = {"waiting": State.HELD, "leased": State.HELD, "done": State.DONE, "held": State.HELD}
BEFORE = HELD | {"waiting": State.WAITING, "leased": State.LEASED}


async def test_what_waited_is_held_in_new_tables_and_nothing_else_changes(
    installation: Installation,
) -> None:
    scene, server = installation.scene, installation.scene.server.id
    mail = await fill(scene)
    made = await installation.restore()
    assert made.held == 2
    assert made.mail.startswith(f"{installation.prefix}-mail-r20")
    assert made.control.startswith(f"{installation.prefix}-control-r20")
    assert await states(scene.posthorn, mail) == BEFORE

    again = installation.tables(made)
    assert await states(again, mail) == HELD
    for name in ("waiting", "leased"):
        (told,) = (await again[MessageStore].get(server, mail[name].id)).deliveries
        assert re.fullmatch(
            r"Restored from a backup of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", told.details
        )
        assert told.status is Status.HELD
    last = max(one.id for one in mail.values())
    assert await again[Numbers].take(server, "message", 1) > [last + 9_000]
    assert await again[Repository].next_number("server") > server + 100
    assert await again[Repository].all(SESSIONS, ENDS_OF_SESSIONS, BY_END_OF_SESSION) == []
    await again[MessageActions].release(server, mail["waiting"].id)
    assert (await states(again, mail))["waiting"] is State.WAITING


async def test_mail_goes_on_with_restored_tables(installation: Installation) -> None:
    """Whoever had a key before has it still, and what was released leaves once."""
    scene, server = installation.scene, installation.scene.server.id
    mail = await fill(scene)
    again = installation.scene_on(await installation.restore())
    await again.posthorn[MessageActions].release(server, mail["waiting"].id)
    smtp = frozenset({CredentialKind.SMTP})
    principal = await again.posthorn[Authenticate].by_key(scene.smtp_key, smtp)
    (fresh,) = await replace(again, principal=principal).accept("jane@example.com")
    old = [ReceivedJob(DeliveryJob(one, 0), "") for one in (*mail.values(), fresh)]
    released = await again.record(mail["waiting"])
    new = ReceivedJob(DeliveryJob(released.message, released.attempt, manual=True), "")
    for ready in (old, [*old, new], [*old, new]):  # those of before wake nothing but what is new
        left = await again.posthorn[AttemptDelivery].run(again.posthorn[SendOutgoing], ready)
        assert left == set()
    states_now = await states(again.posthorn, mail | {"fresh": fresh})
    assert states_now == HELD | {"waiting": State.DONE, "fresh": State.DONE}
    assert len([one for one in again.egress.received if one.was_accepted]) == 2
    assert await states(scene.posthorn, mail) == BEFORE
    with pytest.raises(NotFound):
        await scene.posthorn[MessageStore].get(server, fresh.id)


async def test_restored_tables_have_what_the_template_gives(installation: Installation) -> None:
    made = await installation.restore()
    client = installation.target.client("dynamodb")
    for name, source in ((made.mail, "mail"), (made.control, "control")):
        table = client.describe_table(TableName=name)["Table"]
        before = client.describe_table(TableName=f"{installation.prefix}-{source}")["Table"]
        indexes = [
            {one["IndexName"] for one in each.get("GlobalSecondaryIndexes", ())}
            for each in (table, before)
        ]
        assert indexes[0] == indexes[1]
        lifetime = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert (lifetime["AttributeName"], lifetime["TimeToLiveStatus"]) == ("x", "ENABLED")
        window_of(client, name)  # its past is kept, too
        tags = client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
        assert {"Key": "posthorn:installation", "Value": installation.prefix} in tags
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert made.stream.startswith(
        f"arn:aws:dynamodb:us-east-1:000000000000:table/{made.mail}/stream/"
    )


async def test_a_run_that_was_stopped_goes_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = await fill(installation.scene)
    moment = datetime.now(UTC)

    async def killed(*_: object) -> int:
        raise TemporaryFailure("The machine stops")

    with monkeypatch.context() as patch, pytest.raises(TemporaryFailure):
        patch.setattr(MakeRestoredReady, "run", killed)
        await installation.restore(moment)
    client = installation.target.client("dynamodb")
    name = f"{installation.prefix}-mail-r{moment:%Y%m%d%H%M%S}"
    assert not is_ready(client, name)
    made = await installation.restore(moment)
    assert (made.mail, made.held) == (name, 2)
    assert is_ready(client, name)
    again = installation.tables(made)
    await again[MessageActions].release(installation.scene.server.id, mail["waiting"].id)
    assert (await installation.restore(moment)).held == 0  # it may serve by now
    assert (await states(again, mail))["waiting"] is State.WAITING


async def test_a_deployment_has_everything_use_them_and_stays_so(
    installation: Installation,
) -> None:
    made = await installation.restore()
    target, prefix = installation.target, installation.prefix
    parameters = data_parameters(target.endpoint, prefix) | made.parameters
    text = render(with_numbers(load(DATA_TEMPLATE.name), parameters))
    outputs = deploy(
        cloudformation(target.endpoint), Stack(f"{prefix}-data", text, parameters), lambda _: None
    )
    assert (outputs["MailTable"], outputs["ControlTable"]) == (made.mail, made.control)
    assert outputs["MailTableArn"].endswith(f":table/{made.mail}")
    assert outputs["ControlTableArn"].endswith(f":table/{made.control}")
    assert outputs["MailStream"] == made.stream
    assert installation.state.parameters.items() >= made.parameters.items()
    # What is removed with the installation: these, and the tables of before.
    tables = {f"{prefix}-mail", f"{prefix}-control", made.mail, made.control}
    assert set(look(target, prefix).tables) == tables
    later = await installation.restore(datetime.now(UTC) + timedelta(seconds=2))
    assert re.fullmatch(rf"{prefix}-mail-r\d{{14}}", later.mail)


def test_tables_without_a_past_are_refused(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    client, table = installation.target.client("dynamodb"), f"{installation.prefix}-control"
    off = {"PointInTimeRecoveryEnabled": False}
    client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    where = ("--endpoint", installation.target.endpoint, "--prefix", installation.prefix)
    assert main((*where, "--to", "latest")) == 1
    assert capsys.readouterr().err == (
        f"posthorn: point-in-time recovery of {table} is off: nothing of it can be restored\n"
    )
    names = client.list_tables()["TableNames"]
    assert not any(name.startswith(f"{installation.prefix}-mail-r") for name in names)


async def test_the_command_says_what_to_deploy(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(installation.scene)
    where = ("--endpoint", installation.target.endpoint, "--prefix", installation.prefix)
    code = await asyncio.to_thread(main, (*where, "--to", "latest"))
    told = capsys.readouterr()
    assert code == 0, told.err
    first, _, last = told.out.strip().splitlines()
    assert first.endswith(" are ready; 2 messages that waited are held.")
    assert last.startswith(f"make deploy TARGET=local PREFIX={installation.prefix} ARGS=")
    assert last.count("--parameter Restored") == 3


NOW = datetime(2027, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday", "'yesterday' is no moment; one looks like 2027-03-04T02:15:00Z, or latest"),
        ("2027-13-04T02:15Z", "'2027-13-04T02:15Z' is no moment: month must be in 1..12"),
        ("2027-03-04T02:15:00", "'2027-03-04T02:15:00' is no moment; one looks like"),
        ("2027-03-05T02:15:00Z", "2027-03-05T02:15:00Z has not come yet"),
        ("9" * 100_000, "is no moment"),
    ],
)
def test_moments_that_are_none(text: str, why: str) -> None:
    with pytest.raises(WrongOrder, match=re.escape(why)):
        read_moment(text, NOW)


def test_moments() -> None:
    assert read_moment("latest", NOW) is None
    assert read_moment("2027-03-04T02:15Z", NOW) == datetime(2027, 3, 4, 2, 15, tzinfo=UTC)
    window = (NOW - timedelta(days=35), NOW)
    check_moment("t", window, NOW)
    for moment in (NOW - timedelta(days=36), NOW + timedelta(seconds=5)):
        with pytest.raises(WrongOrder, match="t can be restored from 2027-01-28T12:00:00Z to"):
            check_moment("t", window, moment)


@pytest.mark.parametrize("engine", ["sqlite", "aws"])
async def test_one_rule_on_both_engines(engine: str, aws_backend: Backend) -> None:
    scene = await make_scene(on_aws=aws_backend.settings() if engine == "aws" else None)
    mail = await fill(scene)
    hold = Hold("Restored from a backup of then UTC", scene.clock.now(), 2**31)
    assert await scene.posthorn[MakeRestoredReady].run(hold) == 2
    assert await states(scene.posthorn, mail) == HELD
    assert await scene.posthorn[MakeRestoredReady].run(hold) == 0


def by_rate(scene: Scene) -> LimitHold:
    """What a rate of the server holds for an hour."""
    until = int(scene.clock.now()) + 3_600
    return LimitHold("server", scene.server.id, "", "bounce_rate", 500, until)


@pytest.mark.parametrize("engine", ["sqlite", "aws"])
async def test_what_goes_by_itself_waits_for_a_person(engine: str, aws_backend: Backend) -> None:
    """What a limit holds leaves in its turn, and a job goes on: both may have done so since."""
    scene = await make_scene(on_aws=aws_backend.settings() if engine == "aws" else None)
    program, server = scene.posthorn, scene.server.id
    host = Host(Path(), program, scene.server, scene.principal, scene.api_key)
    (message,) = await scene.accept()
    await program[MessageStore].create([message])
    before = await host.lease(message)
    told = Delivery(900, Status.HELD, "Message held because the bounce rate", host.now)
    assert await program[MessageStore].replace(
        before, lifecycle.held(before, told, None, by_rate(scene))
    )
    jobs = program[Jobs]
    for kind in ("resend", "release", "export", "cancel"):
        await jobs.add(server, Job(f"j{kind}", kind, "acme/app", "{}", "ada", host.now))

    hold = Hold("Restored from a backup of then UTC", host.now, 2**31)
    assert await program[MakeRestoredReady].run(hold) == 1
    record = await host.record(message)
    assert (record.state, record.limit_hold) == (State.HELD, None)
    assert record.hold_expires_at == 2**31
    over = {one.type: one for one in (await jobs.page(server, 10, host.now)).values}
    assert {kind for kind, one in over.items() if one.is_open} == {"export", "cancel"}
    assert over["resend"].errors[0].detail == (
        "Restored from a backup of then UTC: ask again for what is still wanted"
    )
    assert await program[MakeRestoredReady].run(hold) == 0
