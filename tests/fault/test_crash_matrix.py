"""The crash matrix: a real process dies at a named point, others take over, and the mail arrives."""

from __future__ import annotations

import contextlib
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import bootstrap
from chalicelib.domain.model import DeliveryJob, Status
from chalicelib.domain.periods import STORED
from chalicelib.domain.statistics import NAMED, Count
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.events.statistics import ServerStatistics
from chalicelib.services.queue.dead_letters import DeadLetters
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.servers import Servers
from tests.fault.stage import KILLED, RCPT, Stage, points
from tests.loopback import free_port
from tests.one_host import SERVE
from tests.patience import PATIENCE
from tests.peers import DROP
from tests.worlds import CONTENT

# On one host bodies, wake-ups and records are made in one transaction.
ACCEPT_POINTS_WITHOUT_PROMISE = [
    *points("aws", "blobs.put:before", "blobs.put:after", "queue.wake:before"),
    *points("files", "intake.store:before"),
]
ACCEPT_POINTS_WITH_WAKE_UP = [
    *points("aws", "queue.wake:after", "messages.create:before", "messages.create:after"),
    *points("files", "intake.store:after"),
]
GATEWAY_POINTS = [
    *points("aws", "blobs.put:after", "queue.wake:before"),
    *points("files", "intake.store:before"),
]
WORK_POINTS_BEFORE_THE_DOT = ["messages.claim:after", "blobs.get:after", "egress.connect:after"]


@pytest.mark.parametrize(("stage", "point"), ACCEPT_POINTS_WITHOUT_PROMISE, indirect=["stage"])
def test_row_1_death_before_the_wake_up_promises_nothing_and_sends_nothing(
    stage: Stage, point: str
) -> None:
    stage.run("accept", point)
    stage.run("work")
    assert stage.peer.mails == []
    stage.accept()
    stage.work_until_done()
    assert len(stage.peer.mails) == 1


@pytest.mark.parametrize(("stage", "point"), ACCEPT_POINTS_WITH_WAKE_UP, indirect=["stage"])
def test_rows_2_and_3_death_after_the_wake_up_still_delivers_once(stage: Stage, point: str) -> None:
    stage.run("accept", point)
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    (record,) = stage.records()
    assert record.status is Status.SENT


@pytest.mark.parametrize("point", WORK_POINTS_BEFORE_THE_DOT)
def test_rows_4_and_5_death_with_a_lease_is_taken_over_and_delivers_once(
    stage: Stage, point: str
) -> None:
    message = stage.accept()
    stage.run("work", point)
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    assert stage.record(message["id"]).status is Status.SENT


def test_row_6_death_after_the_final_dot_may_send_a_second_copy_with_the_same_message_id(
    stage: Stage,
) -> None:
    message = stage.accept()

    def kill(_: bytes) -> object:
        os.kill(worker.pid, signal.SIGKILL)
        return DROP

    stage.peer.once(".", kill)  # type: ignore[arg-type]
    worker = stage.start("work")
    worker.communicate(timeout=PATIENCE)
    assert worker.returncode == -signal.SIGKILL
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    record = stage.record(message["id"])
    assert record.status is Status.SENT
    assert b"Message-ID: <one@acme.test>" in stage.peer.mails[0].content


def test_row_7_death_between_the_reply_and_the_finish_is_the_one_window_for_a_copy(
    stage: Stage,
) -> None:
    message = stage.accept()
    stage.run("work", "messages.replace:before")
    assert len(stage.peer.mails) == 1
    stage.work_until_done()
    assert len(stage.peer.mails) == 2
    record = stage.record(message["id"])
    assert record.status is Status.SENT
    assert len(record.deliveries) == 1


def test_after_the_finish_nothing_is_sent_again(stage: Stage) -> None:
    message = stage.accept()
    stage.run("work", "messages.replace:after")
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    assert stage.record(message["id"]).status is Status.SENT


@pytest.mark.parametrize("point", ["queue.wake:before", "queue.wake:after"])
def test_rows_8_and_9_death_around_the_delayed_wake_up_loses_no_retry(
    stage: Stage, point: str
) -> None:
    message = stage.accept()
    stage.peer.once("RCPT", "450 4.2.0 Greylisted")
    stage.run("work", point)
    stage.work_until_done()
    assert len(stage.peer.mails) == 1
    record = stage.record(message["id"])
    assert [each.status for each in record.deliveries] == [Status.SOFT_FAIL, Status.SENT]


def test_row_10_death_of_the_sweeper_between_send_and_remove_wakes_twice_and_sends_once(
    stage: Stage,
) -> None:
    from dataclasses import replace

    from chalicelib.domain.tenancy.servers import ServerMode
    from chalicelib.services.tenancy.servers import ServerOptions

    development = replace(ServerOptions.of(stage.server), mode=ServerMode.DEVELOPMENT)
    held = bootstrap.run(stage.program[Servers].update(stage.server, development))
    message = stage.accept()
    stage.run("work")
    assert stage.record(message["id"]).status is Status.HELD
    live = replace(development, mode=ServerMode.LIVE)
    bootstrap.run(stage.program[Servers].update(held, live))
    from chalicelib.domain import lifecycle

    record = stage.record(message["id"])
    released = lifecycle.released(record, int(stage.program[Clock].now()) - 1)
    assert bootstrap.run(stage.program[MessageStore].replace(record, released))
    stage.run("sweep", "messages.clear_due:before")
    stage.run("sweep")
    stage.work_until_done()
    assert len(stage.peer.mails) == 1


@pytest.mark.parametrize(
    "point",
    [
        "statistics.add:before",
        "statistics.add:after",
        "statistics.add:before#3",
        "statistics.add:after#3",
    ],
)
def test_row_11_death_of_the_outbox_in_the_middle_of_a_batch_counts_everything_once(
    stage: Stage, point: str
) -> None:
    stage.accept()
    stage.accept()
    stage.work_until_done()
    stage.run("count", point)
    stage.run("count")
    stage.run("count")
    for period in STORED:
        chart = bootstrap.run(
            stage.program[ServerStatistics].chart([stage.server.id], period, None, None)
        )
        named = {count: number for count, number in chart.totals.items() if count in NAMED}
        assert named == {Count.OUTGOING: 2, Count.SENT: 2}


def test_row_16_the_same_wake_up_twice_sends_once(stage: Stage) -> None:
    message = stage.accept()
    item = DeliveryJob(stage.record(message["id"]).message, 0)
    bootstrap.run(stage.program[WorkQueue].wake("default", [item, item]))
    stage.work_until_done()
    assert len(stage.peer.mails) == 1


@pytest.mark.parametrize(("stage", "point"), GATEWAY_POINTS, indirect=["stage"])
def test_row_15_a_gateway_killed_in_its_commit_says_no_250_and_the_client_s_second_try_arrives(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    with (
        gateway_process(stage, tmp_path, point) as port,
        pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)),
    ):
        submit(stage, port)
    with gateway_process(stage, tmp_path) as port:
        submit(stage, port)
    stage.work_until_done()
    assert len(stage.peer.mails) == 1


def test_row_14_a_message_that_no_worker_can_finish_is_held_with_the_reason(stage: Stage) -> None:
    message = stage.accept()
    item = DeliveryJob(stage.record(message["id"]).message, 0)
    assert bootstrap.run(stage.program[DeadLetters].hold(item))
    record = stage.record(message["id"])
    assert record.status is Status.HELD
    assert "could not be processed" in record.deliveries[0].details
    stage.run("work")
    assert stage.peer.mails == []
    bootstrap.run(stage.program[MessageActions].retry(stage.server.id, record.message.id))
    stage.work_until_done()
    assert len(stage.peer.mails) == 1


def submit(stage: Stage, port: int) -> None:
    """Send one message through a gateway."""
    with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=PATIENCE) as client:
        client.login("anything", stage.key)
        client.sendmail("app@acme.test", RCPT, CONTENT)


@contextlib.contextmanager
def gateway_process(stage: Stage, state: Path, kill_at: str = "") -> Iterator[int]:
    """What takes mail, on a free port."""
    port = free_port()
    on_one_host = bool(stage.program.settings.state_folder)
    command = ["-c", SERVE] if on_one_host else ["-m", "gateway"]
    variables = {
        "KILL_AT": kill_at,
        "STATE": state / "gateway",
        "PROCESSES": 1,
        "SUBMISSION_PORT": port,
        "ALLOW_PLAIN_AUTH": 1,
        **dict.fromkeys(("MX_PORT", "SUBMISSIONS_PORT", "HTTP_PORT", "HEALTH_PORT"), -1),
    }
    ours = {f"POSTHORN_{name}": str(value) for name, value in variables.items()}
    process = subprocess.Popen(
        [sys.executable, *command], env=stage.environment | ours, stdout=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        # The supervisor of one host starts another in place of one that died.
        # A supervisor that is stopped at the moment of its process's death says so and ends with 1.
        died = {0, 1} if on_one_host else {KILLED}
        assert process.wait(PATIENCE) in (died if kill_at else {0})
