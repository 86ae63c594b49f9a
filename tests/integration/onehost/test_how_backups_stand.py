"""What doctor, the checks of each minute and the metrics say of backups, as they stand then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.services.checks import CheckInstallation
from gateway.configuration import Configuration
from onehost.backups.notes import Notes, write_notes
from onehost.backups.standing import standing
from onehost.doctor.backups import backups
from onehost.doctor.finding import Result
from onehost.doctor.host import Host
from onehost.host_metrics import HostMetrics
from onehost.options import Options
from onehost.process import parts_of
from onehost.storage.last_backup import note_backup
from tests.integration.onehost.dated_backups import DatedHost

DAY, T = 86_400, 1_800_000_000.0
GOOD = Notes(folder="/b", tried_at=T, proven_at=T)


@pytest.mark.parametrize(
    ("began_at", "notes", "now", "told"),
    [
        (0, Notes(), T, ["There is no good backup yet"]),
        (T, GOOD, T + DAY, []),
        (T, GOOD, T + 2.5 * DAY, ["The last good backup began 2 days ago"]),
        (T, GOOD, T + 27 * 3_600, ["The last good backup began 27 hours ago"]),
        (T, GOOD, T - 3 * DAY, ["The last good backup began later than it is now: the clock was set back"]),
        (T, replace(GOOD, proven_at=0), T, ["No backup was proven by restoring it yet"]),
        (T, replace(GOOD, proven_at=T - 9 * DAY), T, ["A backup was last restored to prove it 9 days ago"]),
    ],
)  # fmt: skip
async def test_what_should_have_been_done(
    dated: DatedHost, began_at: float, notes: Notes, now: float, told: list[str]
) -> None:
    if began_at:
        note_backup(dated.state, began_at)
    write_notes(dated.state, notes)
    assert list(standing(dated.state).overdue(now)) == told


async def found_by_checks(dated: DatedHost, **options: str) -> tuple[CheckStatus, str] | None:
    parts = parts_of(dated.host.posthorn.settings, Options(**options), {})  # type: ignore[arg-type]  # texts
    program = Posthorn(dated.host.posthorn.settings, "sqlite", parts)
    bootstrap.use(program)
    try:
        await program[CheckInstallation].run()
    finally:
        bootstrap.use(None)
    found = {one.name: one for one in await program[CheckInstallation].findings()}
    return (found["backups"].status, found["backups"].detail) if "backups" in found else None


async def test_the_checks_of_each_minute(dated: DatedHost) -> None:
    assert await found_by_checks(dated) is None
    named = {"backup_folder": str(dated.folder)}
    missing = (CheckStatus.WARNING, "There is no good backup yet.")
    assert await found_by_checks(dated, **named) == missing
    dated.made()
    assert await found_by_checks(dated, **named) == (CheckStatus.OK, "")
    dated.settings["backup_hook"] = "/bin/false"
    dated.run()
    failing = (CheckStatus.FAILING, "The hook /bin/false ended with 1.")
    assert await found_by_checks(dated, **named) == failing


async def test_doctor(dated: DatedHost) -> None:
    async def said(**options: str) -> tuple[Result, str]:
        settings, program = dated.host.posthorn.settings, dated.host.posthorn
        host = Host(settings, Configuration(), Options(**options), program)  # type: ignore[arg-type]  # texts
        (one,) = await backups(host)
        return one.result, one.text

    named = {"backup_folder": str(dated.folder)}
    assert await said() == (Result.WARNING, "No backups are made by themselves")
    assert await said(backup_folder="/nowhere") == (
        Result.FAILED,
        "There is no folder /nowhere for backups",
    )
    for hook in ("sh", "/nowhere", "/dev/null"):
        assert await said(backup_hook=hook, **named) == (
            Result.FAILED,
            f"The hook {hook} cannot be run",
        )
    assert await said(**named) == (Result.WARNING, "There is no good backup yet")
    dated.made()
    assert (await said(**named))[0] is Result.OK
    write_notes(dated.state, replace(dated.notes, failure="It failed"))
    assert await said(**named) == (Result.FAILED, "It failed")


async def test_metrics(dated: DatedHost) -> None:
    def told() -> dict[str, float]:
        bootstrap.use(dated.host.posthorn)
        try:
            text = HostMetrics(str(dated.state), Configuration()).text()
        finally:
            bootstrap.use(None)
        lines = [line for line in text.splitlines() if line.startswith("posthorn_backup")]
        return {name[16:]: float(value) for name, value in (line.split() for line in lines)}

    assert told() == {"timestamp_seconds": 0}
    dated.made()
    notes, found = dated.notes, told()
    assert found["timestamp_seconds"] > 0
    assert found["proven_timestamp_seconds"] == pytest.approx(notes.proven_at, abs=0.01)
    assert "hook_failed" not in found
    for hook, failed in (("/bin/true", 0), ("/bin/false", 1)):
        dated.settings["backup_hook"] = hook
        dated.run()
        assert told()["hook_failed"] == failed
