"""The architecture's import arrows hold, and the checker that says so does notice a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.arrows import source_files, violations

ROOT = Path(__file__).resolve().parents[2]


def test_every_arrow_points_the_right_way() -> None:
    assert violations(ROOT) == []


def test_the_walk_sees_the_code() -> None:
    assert len(list(source_files(ROOT))) > 20


def write(root: Path, file: str, source: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree in which every arrow is right."""
    write(tmp_path, "chalicelib/__init__.py", "__version__ = '1'\n")
    write(tmp_path, "chalicelib/domain/model.py", "from datetime import UTC, datetime\nimport re\n")
    write(tmp_path, "chalicelib/domain/outgoing/retry.py", "from chalicelib.domain import model\n")
    write(tmp_path, "chalicelib/ports.py", "from chalicelib.domain.model import Message\n")
    write(
        tmp_path,
        "chalicelib/services/outgoing/pipeline.py",
        "from chalicelib import ports\nfrom chalicelib.services.queue import batch\nimport asyncio\n",
    )
    write(
        tmp_path, "chalicelib/adapters/s3.py", "import boto3\nfrom chalicelib.ports import Blobs\n"
    )
    write(tmp_path, "chalicelib/bootstrap.py", "from chalicelib.adapters import s3\n")
    write(
        tmp_path, "chalicelib/api/problems.py", "import pydantic\nimport chalicelib.domain.model\n"
    )
    write(
        tmp_path, "chalicelib/cli/main.py", "import click\nfrom chalicelib.bootstrap import build\n"
    )
    write(
        tmp_path,
        "functions/deliver.py",
        "from chalice import Blueprint\nimport chalicelib.bootstrap\n",
    )
    write(
        tmp_path,
        "smtp-gateway/gateway/server.py",
        "import aiosmtpd.smtp\nimport chalicelib.bootstrap\n",
    )
    write(
        tmp_path,
        "infra/local/runner.py",
        "import chalicelib.adapters.s3\nimport functions.deliver\n",
    )
    return tmp_path


def test_a_clean_tree_passes(tree: Path) -> None:
    assert violations(tree) == []
    assert len(list(source_files(tree))) == 12


def test_one_module_alone_may_have_the_tables_of_domain_names(tree: Path) -> None:
    write(tree, "chalicelib/domain/domain_name.py", "def f():\n    import idna\n")
    assert violations(tree) == []


WRONG = {
    "domain imports a service": (
        "chalicelib/domain/x.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "domain imports a port": ("chalicelib/domain/x.py", "from chalicelib import ports"),
    "domain imports a library": ("chalicelib/domain/x.py", "import pydantic"),
    "domain imports time": ("chalicelib/domain/x.py", "import time"),
    "domain imports random": ("chalicelib/domain/x.py", "from random import choice"),
    "domain imports os.path": ("chalicelib/domain/x.py", "from os.path import join"),
    "domain imports urllib.request": ("chalicelib/domain/x.py", "from urllib import request"),
    "domain imports inside a function": ("chalicelib/domain/x.py", "def f():\n    import socket"),
    "domain reads the clock": (
        "chalicelib/domain/x.py",
        "import datetime\ndatetime.datetime.now()",
    ),
    "domain climbs out relatively": ("chalicelib/domain/x.py", "from ..adapters import s3"),
    "domain imports by literal name": ("chalicelib/domain/x.py", "import_module('boto3')"),
    "ports import services": (
        "chalicelib/ports.py",
        "from chalicelib.services.outgoing import accept",
    ),
    "services import an adapter": (
        "chalicelib/services/x.py",
        "from chalicelib.adapters import s3",
    ),
    "services import boto3": ("chalicelib/services/x.py", "import boto3"),
    "services import dns": ("chalicelib/services/x.py", "import dns.resolver"),
    "services import ssl": ("chalicelib/services/x.py", "import ssl"),
    "services read the clock": (
        "chalicelib/services/x.py",
        "from datetime import date\ndate.today()",
    ),
    "the queue imports a pipeline": (
        "chalicelib/services/queue/x.py",
        "from chalicelib.services.outgoing import pipeline",
    ),
    "a pipeline imports a service beside it": (
        "chalicelib/services/outgoing/x.py",
        "from chalicelib.services.messages.history import MessageHistory",
    ),
    "adapters import services": (
        "chalicelib/adapters/x.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "adapters import infra": ("chalicelib/adapters/x.py", "import infra.local"),
    "api imports an adapter": ("chalicelib/api/x.py", "import chalicelib.adapters.s3"),
    "api imports chalice": ("chalicelib/api/x.py", "import chalice"),
    "cli imports an adapter": ("chalicelib/cli/x.py", "from chalicelib.adapters.s3 import put"),
    "bootstrap imports functions": ("chalicelib/bootstrap.py", "import functions.deliver"),
    "another module imports an adapter": ("chalicelib/web/x.py", "import chalicelib.adapters"),
    "functions import an adapter": ("functions/x.py", "import chalicelib.adapters.s3"),
    "functions import boto3": ("functions/x.py", "import boto3"),
    "functions import the gateway": ("functions/x.py", "import gateway.server"),
    "gateway imports an adapter": ("smtp-gateway/gateway/x.py", "import chalicelib.adapters.s3"),
    "the app imports a service": ("app.py", "import chalicelib.services.outgoing.accept"),
    "gateway imports functions": ("smtp-gateway/gateway/x.py", "import functions.deliver"),
    "infra imports tests": ("infra/x.py", "from tests.e2e import stack"),
    "infra imports benchmarks": ("infra/x.py", "import bench.table"),
    "domain imports the tables of names": ("chalicelib/domain/x.py", "import idna"),
    "an adapter imports the tables of names": ("chalicelib/adapters/x.py", "import idna.core"),
    "the local stack imports the tables of names": (
        "infra/local/x.py",
        "def f():\n    from idna import encode",
    ),
    "the converter imports another library": ("chalicelib/domain/domain_name.py", "import dns"),
    "an adapter imports the codec": ("chalicelib/adapters/x.py", "import encodings.idna"),
    "an adapter uses the codec": ("chalicelib/adapters/x.py", "host = 'a'.encode('IDNA')"),
    "the converter uses the codec": ("chalicelib/domain/domain_name.py", "b'a'.decode('idna')"),
}


@pytest.mark.parametrize(("file", "source"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_arrow_is_found(tree: Path, file: str, source: str) -> None:
    write(tree, file, f"{source}\n")
    found = violations(tree)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
