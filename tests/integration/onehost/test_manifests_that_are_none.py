"""A manifest that says what no backup says of itself is damaged, in one sentence; the next backup is made beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.onehost.dated_backups import DatedHost

DATABASE = {"file": "../mail.db", "schema": 1, "size": 1, "sha256": "0"}
WRONG: tuple[dict[str, Any], ...] = (
    {"began_at": None},
    {"began_at": "yesterday"},
    {"began_at": 1e300},
    {"began_at": float("nan")},
    {"ended_at": -1},
    {"files": []},
    {"files": None},
    {"files": {"bodies/a": "large"}},
    {"files": {"bodies/a": -1}},
    {"files": {"../outside": 1}},
    {"files": {"/etc/passwd": 1}},
    {"missing": [1]},
    {"missing": 3},
    {"databases": {"mail.db": DATABASE}},
    {"version": "1"},
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: json.dumps(one)[:30])
async def test_what_no_backup_says(dated: DatedHost, tmp_path: Path, wrong: dict[str, Any]) -> None:
    broken = dated.made().path
    manifest = broken / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | wrong))
    listed = dated.command("backups", "list")
    assert (listed.code, "cannot be read" in listed.out) == (0, True)
    refused = dated.posthorn("restore", str(broken), "--damaged", "--state", str(tmp_path / "new"))
    sentence = f"The backup in {broken} is damaged: {manifest} is no manifest"
    assert (refused.code, refused.err) == (1, f"posthorn: {sentence}.\n")
    assert not (tmp_path / "new").exists()
    dated.made()
    assert len(dated.all) == 2
