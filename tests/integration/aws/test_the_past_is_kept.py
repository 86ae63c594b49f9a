"""On AWS the installation says when nothing could be brought back, and otherwise that all is well."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from chalicelib.config import Settings
from chalicelib.domain.tenancy.check_findings import CheckStatus
from chalicelib.services.checks import NAMES_SECONDS, CheckInstallation
from infra.recovery import switch_on
from tests.aws_backend import Backend, aws_backend
from tests.worlds import make_scene

__all__ = ["aws_backend"]
pytestmark = pytest.mark.aws


async def test_recovery_that_is_off_is_found_within_the_hour(aws_backend: Backend) -> None:
    settings: Settings = aws_backend.settings()
    scene = await make_scene(on_aws=settings)
    checks = scene.posthorn[CheckInstallation]
    client: Any = botocore.session.get_session().create_client(
        "dynamodb", endpoint_url=aws_backend.endpoint
    )

    async def found() -> tuple[CheckStatus, str]:
        await checks.run()
        (one,) = (each for each in await checks.findings() if each.name == "backups")
        scene.clock.advance(NAMES_SECONDS)
        return one.status, one.detail

    assert await found() == (CheckStatus.OK, "")
    client.update_continuous_backups(
        TableName=settings.mail_table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
    )
    told = f"Point-in-time recovery of {settings.mail_table} is off."
    assert await found() == (CheckStatus.FAILING, told)
    switch_on(client, settings.mail_table)
    assert await found() == (CheckStatus.OK, "")
