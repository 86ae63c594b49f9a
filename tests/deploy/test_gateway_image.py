"""The gateway's image: what its Dockerfile copies is there and is enough, and the container starts as it is told to.

No container is built here. The same files are put into an empty folder, and the same command is run in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.templates import load
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "smtp-gateway" / "Dockerfile").read_text()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder /app of the image."""
    app = tmp_path / "app"
    app.mkdir()
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE, re.MULTILINE):
        where = app / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, where, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, where / Path(source).name if target == "./" else where)
    return app


def run(image: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    settings = dict(re.findall(r"(POSTHORN_\w+)=(\S+)", DOCKERFILE))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **settings,
        "POSTHORN_STATE": str(image.parent / "state"),
        **variables,
    }
    return subprocess.run(
        ["sh", str(image / "entrypoint.sh"), *arguments],
        cwd=image,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_the_files_of_the_image_are_enough_to_start(image: Path) -> None:
    done = run(image, "--help")
    assert done.returncode == 0, done.stderr
    assert "Posthorn's SMTP gateway" in done.stdout


def test_the_second_role_starts_from_the_same_image(image: Path) -> None:
    done = run(image, "egress", "--help")
    assert done.returncode == 0, done.stderr
    assert "SOCKS5" in done.stdout
    done = run(image, "egress")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("posthorn egress: POSTHORN_EGRESS_PASSWORD")


def test_a_certificate_in_variables_becomes_files_that_only_the_gateway_reads(image: Path) -> None:
    done = run(image, "--help", TLS_CERTIFICATE_PEM="a certificate", TLS_KEY_PEM="a key")
    assert done.returncode == 0, done.stderr
    state = image.parent / "state"
    assert (state / "certificate.pem").read_text() == "a certificate\n"
    assert (state / "key.pem").read_text() == "a key\n"
    assert (state / "key.pem").stat().st_mode & 0o077 == 0


def test_a_certificate_that_is_none_ends_the_task_with_one_sentence(image: Path) -> None:
    done = run(image, "--memory", TLS_CERTIFICATE_PEM="a certificate", TLS_KEY_PEM="a key")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("posthorn gateway: ")


def test_image_and_template_agree() -> None:
    (container,) = load("gateway.yaml")["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    settings = dict(re.findall(r"POSTHORN_(\w+)=(\S+)", DOCKERFILE))
    ports = {str(one["ContainerPort"]) for one in container["PortMappings"]}
    assert ports == {settings[f"{role}_PORT"] for role in ("MX", "SUBMISSION", "SUBMISSIONS")}
    exposed = re.search(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    assert exposed is not None
    assert set(exposed[1].split()) == ports
    assert settings["GATEWAY_HEALTH_PORT"] in container["HealthCheck"]["Command"][-1]
    for name in ("TLS_CERTIFICATE_PEM", "TLS_KEY_PEM"):
        assert name in (ROOT / "smtp-gateway" / "entrypoint.sh").read_text()
        assert any(one["Name"] == name for one in container["Secrets"]["Fn::If"][1])
