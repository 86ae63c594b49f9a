"""What the installation on one host finds of itself beside what every installation does: its certificate, and whether
something keeps its clock right. `posthorn doctor` asks others for the time; here nobody is asked.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckStatus, Found
from chalicelib.services.checks import FurtherChecks
from gateway.configuration import Configuration
from onehost.doctor.finding import Finding, Findings, Result
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
    """Checks of `posthorn doctor` that are made every minute."""

    settings: Settings
    configuration: Configuration
    options: Options

    async def found(self) -> Sequence[Found]:
        """The certificate that the settings name; the clock, where the system says how that is; the ports of mail."""
        # Loaded by the one process that looks.
        from onehost.doctor.certificate import certificate
        from onehost.doctor.listening import listening

        program = bootstrap.posthorn()
        host = Host(self.settings, self.configuration, self.options, program)
        (finding,) = await certificate(host)
        found = [_found("certificate", finding)]
        is_kept = clock_is_kept()
        if is_kept is not None:
            found.append(Found("clock") if is_kept else _CLOCK_ALONE)
        heard = _worst("listeners", await listening(host))
        return found if heard is None else [*found, heard]


def _found(name: str, finding: Finding) -> Found:
    status = _STATUSES[finding.result]
    detail = "" if status is CheckStatus.OK else f"{finding.text}. {finding.next_step}."
    return Found(name, status, detail)


def _worst(name: str, findings: Findings) -> Found | None:
    """The first that is not well; nothing while some are not known."""
    wrong = [one for one in findings if one.result in (Result.FAILED, Result.WARNING)]
    if wrong:
        return _found(name, wrong[0])
    return None if any(one.result is Result.NOT_CHECKED for one in findings) else Found(name)


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
