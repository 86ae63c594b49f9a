"""A move without access to AWS says what is missing, and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.onehost.conftest import Run
from tests.kept_mail import make_host


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "AWS cannot be asked without a region: set AWS_REGION."),
        (
            {"AWS_REGION": "eu-west-1"},
            "AWS cannot be asked without credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "acme"},
            "AWS cannot be asked: The config profile (acme) could not be found.",
        ),
    ],
)
async def test_what_is_missing_is_said(
    variables: dict[str, str],
    sentence: str,
    state: Path,
    tmp_path: Path,
    posthorn: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    away = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, text in (away | variables).items():
        monkeypatch.setenv(name, text)
    await make_host(state)
    refused = posthorn("move", "--to", "aws", "--state", str(state))
    assert (refused.code, refused.err) == (1, f"posthorn: {sentence}\n")
    assert not (state / "moving").exists()
