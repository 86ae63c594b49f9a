"""What the installation on one host finds of itself beside what every installation does: its certificate, its
backups, whether something keeps its clock right, and by the hour HTTPS at its own names. `posthorn doctor` asks
others for the time; here that is asked of nobody.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckStatus, Found
from chalicelib.ports.clock import Clock
from chalicelib.services.checks import FurtherChecks
from gateway.configuration import Configuration
from onehost.backups.standing import Standing, standing
from onehost.doctor.finding import Findings, Result
from onehost.doctor.host import Host
from onehost.options import Options

_STATUSES = {
    Result.OK: CheckStatus.OK,
    Result.NOT_CHECKED: CheckStatus.OK,
    Result.WARNING: CheckStatus.WARNING,
    Result.FAILED: CheckStatus.FAILING,
}

_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES = 512  # more than the structure has; nought in it asks to change nothing
_TIME_ERROR = 5
_CLOCK_ALONE = Found(
    "clock",
    CheckStatus.WARNING,
    "The system does not know that anything keeps its clock right: `timedatectl set-ntp true`, or install chrony.",
)


@dataclass(frozen=True, slots=True)
class HostChecks(FurtherChecks):
    """Checks of `posthorn doctor` that are made without being asked for."""

    settings: Settings
    configuration: Configuration
    options: Options

    async def found(self) -> Sequence[Found]:
        """The certificate that the settings name; backups, where they are to be made by themselves; the clock, where
        the system says how that is; the ports of mail."""
        # Loaded by the one process that looks.
        from onehost.doctor.certificate import certificate
        from onehost.doctor.listening import listening

        host = self._host()
        found = [_merged("certificate", await certificate(host))]
        if "backups" not in self.gone():
            found.append(_of_backups(standing(host.state), host.program[Clock].now()))
        is_kept = clock_is_kept()
        if is_kept is not None:
            found.append(Found("clock") if is_kept else _CLOCK_ALONE)
        heard = [one for one in await listening(host) if one.result is not Result.NOT_CHECKED]
        if heard:
            found.append(_merged("listeners", heard))
        return found

    async def found_by_the_hour(self) -> Sequence[Found]:
        """HTTPS, where a web server stands in front."""
        # As above.
        from onehost.doctor.https import https

        return [] if "https" in self.gone() else [_merged("https", await https(self._host()))]

    def gone(self) -> Sequence[str]:
        """Backups that nobody wants, and HTTPS where no web server stands in front."""
        is_wanted = {
            "backups": self.settings.state_folder and self.options.backup_folder,
            "https": self.options.http_proxies,
        }
        return [name for name, wanted in is_wanted.items() if not wanted]

    def _host(self) -> Host:
        return Host(self.settings, self.configuration, self.options, bootstrap.posthorn())


def _merged(name: str, findings: Findings) -> Found:
    """One check of several findings: as bad as the worst, with what is wrong and what to do."""
    judged = [(_STATUSES[one.result], one) for one in findings]
    worst = max((status for status, _ in judged), key=list(CheckStatus).index)
    wrong = [one for status, one in judged if status is not CheckStatus.OK]
    return Found(name, worst, " ".join(f"{one.text}. {one.next_step}." for one in wrong))


def _of_backups(found: Standing, now: float) -> Found:
    """Failing for what went wrong, a warning for what should have been done by now."""
    faults = found.failures or found.overdue(now)
    status = CheckStatus.FAILING if found.failures else CheckStatus.WARNING
    return (
        Found("backups", status, " ".join(f"{one}." for one in faults))
        if faults
        else Found("backups")
    )


def clock_is_kept() -> bool | None:
    """Whether the kernel was told, in the last half a day, how far the clock may be off: adjtimex(2). None where there
    is no such kernel, and where a process has a filter of system calls, as under the unit of systemd: it may end who
    asks. There it is what systemd-timesyncd notes, if it keeps the clock."""
    if _is_filtered():
        return True if _TIMESYNC.exists() else None
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _is_filtered() -> bool:
    """Whether this process has a filter of system calls (seccomp(2))."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    return "\nSeccomp:\t0" not in status
