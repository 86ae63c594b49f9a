"""What leaves by itself in its turn, or is sent by a job, waits for a person after a restore: it may have been sent."""

from __future__ import annotations

import shutil
from pathlib import Path

from chalicelib.domain import lifecycle
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind, Standing, hold_of
from chalicelib.domain.model import Delivery, Message, State, Status
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.services.limits.release import ReleaseHeld
from tests.integration.onehost.conftest import Run
from tests.kept_mail import Host, make_host, opened


async def held_by_a_limit(host: Host) -> Message:
    """A message that a send limit holds until its turn, as it stands in the line."""
    (message,) = await host.accept()
    before = await host.lease(message)
    server = host.server.id
    limit = Limit(LimitOwner(OwnerKind.SERVER, server), Period.HOUR, 1)
    standing = Standing.of(message, before.attempt + 1)
    await host.posthorn[LimitLines].enter(limit, standing, host.now)
    told = Delivery(901, Status.HELD, limit.words, host.now)
    after = lifecycle.held(before, told, None, hold_of(limit, host.now))
    assert await host.posthorn[MessageStore].replace(before, after)
    return message


async def test_what_goes_by_itself_waits_for_a_person(
    state: Path, tmp_path: Path, posthorn: Run
) -> None:
    """What a limit held may have left since, and a job may have gone on."""
    host, saved, other = await make_host(state), tmp_path / "saved", tmp_path / "other"
    other.mkdir(mode=0o700)
    shutil.copy2(state / "key", other / "key")
    message, server = await held_by_a_limit(host), host.server.id
    for kind in ("resend", "export"):
        job = Job(f"j{kind}", kind, "acme/app", "{}", "ada", host.now)
        await host.posthorn[Jobs].add(server, job)
    posthorn("backup", str(saved), "--state", str(host.folder))
    restored = posthorn("restore", str(saved), "--state", str(other), "--json")
    assert restored.json["held"] == 1

    again = opened(other)
    assert await again[ReleaseHeld].run() == 0
    record = await again[MessageStore].get(server, message.id)
    assert (record.state, record.limit_hold) == (State.HELD, None)
    assert record.deliveries[-1].details.startswith("Restored from a backup of")
    assert await again[LimitLines].due(host.now + 86_400, 10) == []
    assert [job.type for _, job in await again[Jobs].open(10)] == ["export"]
    over = await again[Jobs].get(server, "jresend")
    assert (over.status, over.version) == (JobStatus.FAILED, 1)
    assert over.errors[0].detail.startswith("Restored from a backup of")
