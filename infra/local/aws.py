"""The AWS backend of the local stack: how the emulator is started and when an endpoint counts as ready."""

from __future__ import annotations

import sys
import urllib.error
from pathlib import Path

from infra.local.loopback import open_url
from infra.local.plan import EMULATORS, HOST, ROOT, Plan, PlanError
from infra.local.process import Child

EMULATOR_PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
LOCALSTACK_PYTHON = ROOT / ".venv-localstack" / "bin" / "python"
HEALTH_SECONDS = 2.0
LOCALSTACK = EMULATORS[1]


def emulator_python() -> Path:
    """The emulator's interpreter; PlanError when its environment was never made."""
    if not EMULATOR_PYTHON.exists():
        raise PlanError(
            "the AWS emulator is not installed (.venv-ministack is missing); run: make run,"
            " or python3 infra/environment.py ministack"
        )
    return EMULATOR_PYTHON


def interpreters(plan: Plan) -> list[Path]:
    """What runs each of the emulator's processes, in the order of `children`; PlanError when one is missing."""
    ministack = emulator_python()
    return [ministack] if plan.emulator != LOCALSTACK else [ministack, localstack_python()]


def children(plan: Plan) -> list[Child]:
    """The processes of the emulator in the order of their start; the last one listens at the AWS port."""

    def child(name: str, python: Path, module: str, environment: dict[str, str]) -> Child:
        return Child(name, [str(python), "-m", module], environment, plan.logs / f"{name}.log")

    pythons, run = interpreters(plan), "infra.local.aws_main"
    if plan.emulator != LOCALSTACK:
        return [child("aws", pythons[0], run, emulator_environment(plan))]
    return [
        child("tables", pythons[0], run, tables_environment(plan)),
        child("aws", pythons[1], "posthorn_localstack", localstack_environment(plan)),
    ]


def make_folders(plan: Plan) -> None:
    """The folders that the emulator's processes expect."""
    for name in ("tmp", *(("tables", "localstack") if plan.emulator == LOCALSTACK else ())):
        (plan.state / "aws" / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def saves_itself(plan: Plan) -> bool:
    """Whether the emulator keeps its state, and takes SIGUSR1 for "complete from now on"."""
    return plan.emulator != LOCALSTACK


def localstack_python() -> Path:
    """LocalStack's interpreter; PlanError when its environment was never made."""
    if not LOCALSTACK_PYTHON.exists():
        raise PlanError(
            "LocalStack is not installed (.venv-localstack is missing); run: python3"
            " infra/environment.py localstack, which needs Python 3.13"
        )
    return LOCALSTACK_PYTHON


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
        "LAMBDA_PROCESS_PYTHON": base_python(),
        "PROVIDER_OVERRIDE_DYNAMODB": "elsewhere",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "elsewhere",
        "DYNAMODB_ELSEWHERE_URL": plan.tables_url,
        # Seconds that its pollers of queues rest after finding nothing, or an error: by default up to 10 and 60.
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "2",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "DISABLE_CORS_HEADERS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LS_LOG": "warning",
    }


def base_python() -> str:
    """The Python that this environment was made of: as in Lambda, a function finds only what its zip holds."""
    path: str = getattr(sys, "_base_executable", sys.executable)
    return path


def tables_environment(plan: Plan) -> dict[str, str]:
    """Variables of the emulator that keeps LocalStack's tables. Both forget everything when they stop."""
    folder = plan.state / "aws"
    return emulator_environment(plan) | {
        "GATEWAY_PORT": str(plan.tables_port),
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(folder / "tables"),
        "S3_DATA_DIR": str(folder / "tables" / "s3"),
    }


def emulator_environment(plan: Plan) -> dict[str, str]:
    """Variables of the emulator's process: loopback only, all state in the state folder, whose `aws/tmp` must exist."""
    folder = plan.state / "aws"
    scratch = folder / "tmp"
    ours = plan.environment()
    # The emulator checks the signature of pre-signed requests, so it must know the key that signs.
    kept = {name: ours[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    values = {name: value for name, value in ours.items() if not name.startswith("AWS_")} | kept
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
