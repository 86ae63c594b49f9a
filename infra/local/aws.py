"""The AWS backend of the local stack: how the emulator is started and when an endpoint counts as ready."""

from __future__ import annotations

import urllib.error
from pathlib import Path

from infra.local.loopback import open_url
from infra.local.plan import HOST, ROOT, Plan, PlanError

EMULATOR_PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
HEALTH_SECONDS = 2.0


def emulator_python() -> Path:
    """The emulator's interpreter; PlanError when its environment was never made."""
    if not EMULATOR_PYTHON.exists():
        raise PlanError(
            "the AWS emulator is not installed (.venv-ministack is missing); run: make run,"
            " or python3 infra/environment.py ministack"
        )
    return EMULATOR_PYTHON


def emulator_environment(plan: Plan) -> dict[str, str]:
    """Variables of the emulator's process: loopback only, all state in the state folder, whose `aws/tmp` must exist."""
    folder = plan.state / "aws"
    scratch = folder / "tmp"
    values = {
        name: value for name, value in plan.environment().items() if not name.startswith("AWS_")
    }
    return values | {
        "PYTHONPATH": str(ROOT),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(plan.ports["aws"]),
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": plan.environment()["AWS_REGION"],
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(scratch),
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def is_ready(url: str) -> bool:
    """Whether the endpoint answers HTTP at all; whether AWS calls work there, the deployment finds out."""
    try:
        with open_url(f"{url.rstrip('/')}/_ministack/health", HEALTH_SECONDS):
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True  # some other emulator
    except (OSError, ValueError):
        return False
