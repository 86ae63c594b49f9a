"""On AWS the clock of a function is compared with the Date of an answer."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws import backends
from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.services.checks import CheckInstallation


def answered(off: float) -> dict[str, dict[str, dict[str, str]]]:
    """An answer whose Date is so many seconds away from 1,000,000."""
    date = formatdate(1_000_000 + off, usegmt=True)
    return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}


@pytest.mark.parametrize(
    ("off", "ahead"), [(0, 0), (-1, 0), (3, 0), (-100, 99), (103, -100), (-2, 1)]
)
def test_only_what_the_call_does_not_explain_counts(off: float, ahead: float) -> None:
    assert backends._ahead(answered(off), 1_000_000, 1_000_003) == ahead


def test_without_a_date_nothing_is_known() -> None:
    assert backends._ahead({"Attributes": {}}, 1, 2) is None


@pytest.mark.parametrize(
    ("off", "status", "detail"),
    [
        (0, CheckStatus.OK, ""),
        (3_600, CheckStatus.FAILING, r"This clock is 3\d+ seconds ahead of that of the queues\."),
        (-3_600, CheckStatus.FAILING, r"This clock is 3\d+ seconds behind that of the queues\."),
    ],
)
def test_a_clock_that_is_off_is_found(
    aws_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    off: float,
    status: CheckStatus,
    detail: str,
) -> None:
    program = bootstrap.on_aws(aws_settings)
    monkeypatch.setattr(backends, "time", SimpleNamespace(time=lambda: time.time() + off))
    bootstrap.run(program[CheckInstallation].run())
    found = {one.name: one for one in bootstrap.run(program[CheckInstallation].findings())}
    assert found["clock"].status is status
    assert re.fullmatch(detail, found["clock"].detail)
