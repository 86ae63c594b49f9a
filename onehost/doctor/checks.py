"""What the installation on one host finds of itself beside what every installation does: its certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.services.checks import Found, FurtherChecks
from gateway.configuration import Configuration
from onehost.doctor.finding import Result
from onehost.doctor.host import Host
from onehost.options import Options

_STATUSES = {
    Result.OK: CheckStatus.OK,
    Result.NOT_CHECKED: CheckStatus.OK,
    Result.WARNING: CheckStatus.WARNING,
    Result.FAILED: CheckStatus.FAILING,
}


@dataclass(frozen=True, slots=True)
class HostChecks(FurtherChecks):
    """Checks of `posthorn doctor` that are made every minute."""

    settings: Settings
    configuration: Configuration
    options: Options

    async def found(self) -> Sequence[Found]:
        """The certificate that the settings name."""
        # Loaded by the one process that looks.
        from onehost.doctor.certificate import certificate

        program = bootstrap.posthorn()
        (finding,) = await certificate(
            Host(self.settings, self.configuration, self.options, program)
        )
        status = _STATUSES[finding.result]
        detail = "" if status is CheckStatus.OK else f"{finding.text}. {finding.next_step}."
        return [Found("certificate", status, detail)]
