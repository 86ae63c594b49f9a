"""The README's first mail works as it is written, but for the ports and the folder of this test's stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import blocks
from tests.e2e.stack import ROOT, RunningStack, wait_for
from tests.patience import PATIENCE


@pytest.mark.clients
def test_the_readmes_first_mail_arrives_twice(stack: RunningStack) -> None:
    missing = [name for name in ("bash", "curl", "swaks") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    script = blocks(ROOT / "README.md", "sh")[1]
    recipient = "readme-first-mail@example.com"
    for written, ours in {
        ".local/stack.json": str(stack.state / "stack.json"),
        "http://127.0.0.1:8000": stack.facts["http"],
        "127.0.0.1:2587": f"127.0.0.1:{stack.facts['smtp']['submission']}",
        ".venv/bin/posthorn": f"{sys.executable} -m chalicelib.cli",
        "you@example.com": recipient,
    }.items():
        assert written in script
        script = script.replace(written, ours)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTHORN_", "AWS_"))
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment
        | {"POSTHORN_STATE": str(stack.state), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert recipient in done.stdout
    wait_for(lambda: len(stack.inbox(recipient)) == 2, "both messages")
