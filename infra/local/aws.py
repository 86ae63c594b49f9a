"""The AWS backend of the local stack: how the emulator is started and when an endpoint counts as ready."""

from __future__ import annotations

import shutil
import sys
import urllib.error
from pathlib import Path

from infra.local.loopback import direct
from infra.local.plan import HOST, ROOT, Plan, PlanError
from infra.local.process import Child

EMULATOR_PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
LOCALSTACK_PYTHON = ROOT / ".venv-localstack" / "bin" / "python"
HEALTH_SECONDS = 2.0


def interpreters(plan: Plan) -> list[Path]:
    """What runs each of the emulator's processes, in the order of `children`; PlanError when one is missing."""
    if not EMULATOR_PYTHON.exists():
        raise PlanError(
            "the AWS emulator is not installed (.venv-ministack is missing); run: make run AWS=1,"
            " or python3 infra/environment.py ministack"
        )
    if not plan.is_localstack:
        return [EMULATOR_PYTHON]
    if not LOCALSTACK_PYTHON.exists():
        raise PlanError(
            "LocalStack is not installed (.venv-localstack is missing); run: make run LOCALSTACK=1,"
            " or python3 infra/environment.py localstack, which needs Python 3.13"
        )
    return [EMULATOR_PYTHON, LOCALSTACK_PYTHON]


def children(plan: Plan) -> list[Child]:
    """The processes of the emulator in the order of their start; the last one listens at the AWS port.

    Makes the folders that they expect, without what a run that was killed left unpacked.
    """
    forget_unpacked(plan)
    (plan.state / "aws/tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
    pythons, run = interpreters(plan), "infra.local.aws_main"
    if not plan.is_localstack:
        return [_child(plan, "aws", pythons[0], run, emulator_environment(plan))]
    for name in ("tables", "localstack"):
        (plan.state / "aws" / name).mkdir(mode=0o700, exist_ok=True)
    # Both forget everything when they stop.
    tables = emulator_environment(plan) | {
        "GATEWAY_PORT": str(plan.tables_port),
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(plan.state / "aws/tables"),
        "S3_DATA_DIR": str(plan.state / "aws/tables/s3"),
    }
    localstack = localstack_environment(plan)
    return [
        _child(plan, "tables", pythons[0], run, tables, grace=10),
        _child(plan, "aws", pythons[1], "posthorn_localstack", localstack),
    ]


def forget_unpacked(plan: Plan) -> None:
    """Remove the emulator's scratch: the code of functions that ran, some 200 MB each, unpacked again at a start."""
    shutil.rmtree(plan.state / "aws/tmp", ignore_errors=True)


def _child(
    plan: Plan, name: str, python: Path, module: str, environment: dict[str, str], grace: float = 30
) -> Child:
    command = [str(python), "-m", module]
    return Child(name, command, environment, plan.logs / f"{name}.log", grace)


def localstack_environment(plan: Plan) -> dict[str, str]:
    """Variables of LocalStack's process: loopback only, no download, no Docker, its tables in the other emulator."""
    folder = plan.state / "aws"
    address = f"{HOST}:{plan.ports['aws']}"
    values = {
        name: value
        for name, value in plan.environment().items()
        if not name.startswith(("AWS_", "POSTHORN_", "LOCALSTACK_", "LAMBDA_"))
    }
    return values | {
        "PYTHONPATH": str(ROOT),
        "POSTHORN_CLOCK_FILE": str(plan.clock_file),
        "POSTHORN_STATE": str(plan.state),
        "GATEWAY_LISTEN": address,
        "LOCALSTACK_HOST": address,
        "FILESYSTEM_ROOT": str(folder / "localstack"),
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "tmp"),
        "SQS_ENDPOINT_STRATEGY": "path",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        # The Python that this environment was made of: as in Lambda, a function finds only what its zip holds.
        "LAMBDA_PROCESS_PYTHON": str(getattr(sys, "_base_executable", sys.executable)),
        "PROVIDER_OVERRIDE_DYNAMODB": "elsewhere",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "elsewhere",
        "DYNAMODB_ELSEWHERE_URL": f"http://{HOST}:{plan.tables_port}",
        # Seconds that its pollers of queues rest after finding nothing, or an error: by default up to 10 and 60.
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "2",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "DISABLE_CORS_HEADERS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LS_LOG": "warning",
    }


def emulator_environment(plan: Plan) -> dict[str, str]:
    """Variables of ministack's process: loopback only, all state in the state folder, whose `aws/tmp` must exist."""
    folder = plan.state / "aws"
    ours = plan.environment()
    # The emulator checks the signature of pre-signed requests, so it must know the key that signs.
    kept = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    values = {
        name: value for name, value in ours.items() if name in kept or not name.startswith("AWS_")
    }
    return values | {
        "PYTHONPATH": str(ROOT),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(plan.ports["aws"]),
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": ours["AWS_REGION"],
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder / "tmp"),
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def is_ready(url: str) -> bool:
    """Whether the endpoint answers HTTP at all; whether AWS calls work there, the deployment finds out."""
    try:
        with direct.open(f"{url.rstrip('/')}/_ministack/health", timeout=HEALTH_SECONDS):
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True  # some other emulator
    except (OSError, ValueError):
        return False
