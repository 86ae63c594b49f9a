"""The program makes its parts when they are asked for, from what their constructors name."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters.aws.dynamo.messages import DynamoMessageStore
from chalicelib.adapters.aws.dynamo.repository import DynamoRepository
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.families import FAMILIES, PORTS
from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.intake import SqliteIntake
from chalicelib.adapters.sqlite.messages import SqliteMessageStore
from chalicelib.adapters.storage.leased_numbers import NumberBlock
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.bootstrap import Posthorn, in_memory, on_aws
from chalicelib.config import Settings
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import Egress
from chalicelib.ports.intake import Intake
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from tests.architecture.test_every_port_has_adapters import port_at


@pytest.mark.parametrize("family", FAMILIES)
def test_every_port_can_be_made_in_every_family(family: str) -> None:
    program = Posthorn(Settings(), family)
    for place in PORTS:
        assert port_at(place) in type(program[port_at(place)]).__mro__


def test_a_part_is_made_once_for_all_who_ask() -> None:
    program = in_memory()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: program[AcceptMail], range(50)))
    assert all(each is made[0] for each in made)
    assert made[0]._store._intake is program[Intake] is program[SqliteIntake]
    assert program[MessageStore] is program[SqliteMessageStore]
    assert program[Settings] is program.settings


def test_parts_stand_in_under_what_they_were_given_for_and_their_own_class() -> None:
    clock = ControlledClock(5)
    program = in_memory(parts={Clock: clock})
    assert program[Clock] is program[ControlledClock] is program[SmtpSender]._clock is clock
    assert in_memory()[Clock] is not clock


def test_an_argument_with_a_default_keeps_it() -> None:
    egress = in_memory()[Egress]
    assert isinstance(egress, ScriptedEgress)
    assert egress.tls == ScriptedEgress().tls


class Careless:
    def __init__(self, clock: Clock, seconds: float) -> None: ...


class Undecided:
    def __init__(self, clock: Clock | None) -> None: ...


@pytest.mark.parametrize("kind", [Careless, Undecided])
def test_what_no_part_can_be_is_told(kind: type[object]) -> None:
    with pytest.raises(TypeError, match="is no part of a program"):
        _ = in_memory()[kind]


def test_adapters_of_one_family_share_what_they_stand_on() -> None:
    program = on_aws(Settings(), number_block=7)
    store = program[MessageStore]
    assert isinstance(store, DynamoMessageStore)
    assert store._table._session is program[AwsSession]
    assert program[Repository] is program[DynamoRepository]
    assert program[NumberBlock] == NumberBlock(7)


def test_live_memory_has_the_systems_clock() -> None:
    assert isinstance(in_memory(live=True)[Clock], SystemClock)


def test_a_crash_point_names_the_file_of_a_port() -> None:
    program = in_memory(Settings(kill_at="messages.claim:after"))
    assert program[MessageStore] is not program[SqliteMessageStore]
    assert program[Repository] is not None
    with pytest.raises(ValueError, match="messages has no verb climb"):
        _ = in_memory(Settings(kill_at="messages.climb:after"))[MessageStore]


def test_asking_for_one_part_loads_no_other() -> None:
    code = (
        "import sys; from chalicelib.bootstrap import on_aws; from chalicelib.config import Settings;"
        "from chalicelib.ports.statistics import Statistics; on_aws(Settings())[Statistics];"
        "print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    loaded = {name for name in done.stdout.split() if name.startswith("chalicelib.")}
    assert "chalicelib.adapters.aws.dynamo.statistics" in loaded
    assert not {name for name in loaded if name.startswith("chalicelib.services")}
    assert not loaded & {"chalicelib.adapters.aws.s3", "chalicelib.adapters.network.egress"}
