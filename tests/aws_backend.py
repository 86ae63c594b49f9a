"""An AWS backend for tests: ministack on a free port of loopback, one a test process, thrown away afterwards.

`aws_backend` is the fixture; a `conftest.py` that imports it makes it known. It sets the standard AWS variables for the
process, so that adapters find the backend as they find AWS. Each test that wants data of its own takes `aws_settings`:
the data-plane template deployed under a random prefix.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chalicelib.config import Settings
from infra.stack import deploy_data
from tests.loopback import free_port
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
MINISTACK = ROOT / ".venv-ministack" / "bin" / "ministack"


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the backend listens, and where its log is."""

    endpoint: str
    log: Path

    @property
    def variables(self) -> dict[str, str]:
        """The standard AWS variables of a process that shall find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def settings(self, prefix: str = "") -> Settings:
        """Names of a fresh data plane."""
        names = deploy_data(self.endpoint, prefix or f"t{secrets.token_hex(5)}")
        return replace(Settings(), **names)  # type: ignore[arg-type]  # all of these are texts


_running: list[Backend] = []
_shared: dict[Backend, Settings] = {}


def start_backend(
    state: Path, command: Sequence[str | Path] = (MINISTACK,), **variables: str
) -> tuple[subprocess.Popen[bytes], Backend]:
    """Start ministack, or what does, and wait until it answers; AssertionError with the end of its log when it does
    not."""
    port = free_port()
    log, scratch = state / "ministack.log", state / "scratch"
    scratch.mkdir()
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "0",
        "STATE_DIR": str(state / "state"),
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(scratch),  # where the code of functions is unpacked, which nobody removes
        "LOG_LEVEL": "WARNING",
        **variables,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=state
        )
    backend = Backend(f"http://127.0.0.1:{port}", log)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{backend.endpoint}/_ministack/health", timeout=2):  # noqa: S310
                return process, backend
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError(f"ministack did not start: {log.read_text(errors='replace')[-2000:]}")


def stop_backend(process: subprocess.Popen[bytes], backend: Backend) -> None:
    """End what `start_backend` started, and remove what it had unpacked."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(backend.log.parent / "scratch", ignore_errors=True)


@pytest.fixture(scope="session")
def aws_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A running backend, with the AWS variables of this process pointing at it."""
    if _running:  # another conftest.py has imported this fixture too: one backend serves both
        yield _running[0]
        return
    if not MINISTACK.exists():
        pytest.skip(".venv-ministack is absent: python3 infra/environment.py ministack")
    process, backend = start_backend(tmp_path_factory.mktemp("aws"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in backend.variables.items():
            patch.setenv(name, value)
        _running.append(backend)
        yield backend
        _running.clear()
    stop_backend(process, backend)


@pytest.fixture(scope="session")
def aws_names(aws_backend: Backend) -> Settings:
    """One data plane for the whole process; tests keep apart by random server numbers and names."""
    if aws_backend not in _shared:
        _shared[aws_backend] = aws_backend.settings()
    return _shared[aws_backend]


@pytest.fixture
def aws_settings(aws_backend: Backend) -> Settings:
    """A data plane of its own."""
    return aws_backend.settings()
