"""The architecture's import arrows hold, and the checker that says so does notice a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.arrows import RULES, rule_for, source_files, violations, without_rule

ROOT = Path(__file__).resolve().parents[2]


def test_every_arrow_points_the_right_way() -> None:
    assert violations(ROOT) == []


def test_the_walk_sees_the_code() -> None:
    assert len(list(source_files(ROOT))) > 20


def test_every_folder_has_a_rule_of_its_own() -> None:
    assert without_rule(ROOT) == []


def test_every_rule_is_of_something_that_is_there() -> None:
    files = dict(source_files(ROOT))
    assert RULES.keys() <= files.keys() | {module.rpartition(".")[0] for module in files}


def test_every_folder_is_told_of() -> None:
    """Each has a line in the tree of docs/architecture.md, at its depth."""
    told, path = set(), [""]
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        if match := re.match(r"((?:  )*)([a-z_-]+[0-9]?)/ ?", line):
            path[len(match[1]) // 2 :] = [match[2]]
            told.add("/".join(path))
    folders = {str(file.parent.relative_to(ROOT)) for _, file in source_files(ROOT)} - {"."}
    assert folders - told == set()


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
        tmp_path,
        "chalicelib/adapters/aws/s3.py",
        "import botocore\nfrom chalicelib.ports import Blobs\n",
    )
    write(tmp_path, "chalicelib/bootstrap.py", "from chalicelib.adapters.aws import s3\n")
    write(
        tmp_path,
        "chalicelib/api/v2/problems.py",
        "import pydantic\nimport chalicelib.domain.model\n",
    )
    write(tmp_path, "chalicelib/cli/main.py", "import click\nfrom posthorn_client import Client\n")
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
        "import dns.resolver\nimport chalicelib.bootstrap\nimport gateway.tls\n",
    )
    return tmp_path


def test_a_clean_tree_passes(tree: Path) -> None:
    assert violations(tree) == []
    assert len(list(source_files(tree))) == 12


def test_a_folder_without_a_rule_is_found(tree: Path) -> None:
    assert without_rule(tree) == []
    write(tree, "chalicelib/domain/weather/clouds.py", "import re\n")
    write(tree, "chalicelib/elsewhere/__init__.py", "")
    assert without_rule(tree) == ["chalicelib.domain.weather", "chalicelib.elsewhere"]


def test_a_folder_does_not_stand_for_those_below_it(tree: Path) -> None:
    write(tree, "chalicelib/domain/dns/__init__.py", "")
    write(tree, "chalicelib/domain/mail/x.py", "from chalicelib.domain import dns, model\n")
    assert violations(tree) == [
        "chalicelib/domain/mail/x.py:1: chalicelib.domain.mail must not import chalicelib.domain.dns"
    ]


def test_one_module_alone_may_have_the_tables_of_domain_names(tree: Path) -> None:
    write(tree, "chalicelib/domain/domain_name.py", "def f():\n    import idna\n")
    assert violations(tree) == []


WRONG = {
    "whoever asks how AWS is imports a service": (
        "chalicelib/adapters/aws/backends.py",
        "import chalicelib.services.health",
    ),
    "limits of the domain know bytes of mail": (
        "chalicelib/domain/limits/x.py",
        "import chalicelib.domain.mail.headers",
    ),
    "searches know bytes of mail": (
        "chalicelib/domain/search/x.py",
        "from chalicelib.domain.mail.headers import Headers",
    ),
    "limits at work import a pipeline": (
        "chalicelib/services/limits/x.py",
        "import chalicelib.services.outgoing.pipeline",
    ),
    "rates import a pipeline": (
        "chalicelib/services/reputation/x.py",
        "import chalicelib.services.outgoing.pipeline",
    ),
    "the one-host program imports the AWS adapters": (
        "onehost/x.py",
        "import chalicelib.adapters.aws.session",
    ),
    "a backup imports the web": ("onehost/storage/x.py", "import onehost.web.application"),
    "a dated backup imports the web": ("onehost/backups/x.py", "import onehost.web.application"),
    "a move imports the AWS adapters": (
        "onehost/move/x.py",
        "import chalicelib.adapters.aws.session",
    ),
    "the set-up imports the store": (
        "onehost/setup/x.py",
        "import chalicelib.adapters.sqlite.folder",
    ),
    "a certificate imports a command": (
        "onehost/certificates/x.py",
        "import onehost.commands.session",
    ),
    "a command of one host imports the web": ("onehost/commands/x.py", "import onehost.web.health"),
    "the web imports a backup": ("onehost/web/x.py", "import onehost.storage.backup"),
    "a check of the host imports the command line": (
        "onehost/doctor/x.py",
        "import chalicelib.cli.session",
    ),
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
    "another module imports an adapter": ("chalicelib/shop/x.py", "import chalicelib.adapters"),
    "functions import an adapter": ("functions/x.py", "import chalicelib.adapters.s3"),
    "functions import boto3": ("functions/x.py", "import boto3"),
    "functions import the gateway": ("functions/x.py", "import gateway.server"),
    "gateway imports an adapter": ("smtp-gateway/gateway/x.py", "import chalicelib.adapters.s3"),
    "the app imports a service": ("app.py", "import chalicelib.services.outgoing.accept"),
    "gateway imports functions": ("smtp-gateway/gateway/x.py", "import functions.deliver"),
    "infra imports tests": ("infra/x.py", "from tests.e2e import stack"),
    "infra imports benchmarks": ("infra/x.py", "import bench.table"),
    "the package imports anything": ("chalicelib/__init__.py", "import chalicelib.bootstrap"),
    "the settings import a port": ("chalicelib/config.py", "import chalicelib.ports.clock"),
    "the forms of settings import the settings": (
        "chalicelib/setting_forms.py",
        "import chalicelib.config",
    ),
    "bootstrap imports a service": (
        "chalicelib/bootstrap.py",
        "from chalicelib.services.outgoing.accept import AcceptMail",
    ),
    "mail imports tenancy": (
        "chalicelib/domain/mail/x.py",
        "from chalicelib.domain.tenancy.entities import Domain",
    ),
    "mail imports a library": ("chalicelib/domain/mail/x.py", "import idna"),
    "smtp imports mail": ("chalicelib/domain/smtp/x.py", "import chalicelib.domain.mail.address"),
    "smtp imports sockets": ("chalicelib/domain/smtp/x.py", "import socket"),
    "dns imports smtp": ("chalicelib/domain/dns/x.py", "import chalicelib.domain.smtp.replies"),
    "outgoing imports tracking": (
        "chalicelib/domain/outgoing/x.py",
        "import chalicelib.domain.tracking.bodies",
    ),
    "the domain of incoming mail imports tracking": (
        "chalicelib/domain/incoming/x.py",
        "import chalicelib.domain.tracking.bodies",
    ),
    "the rules of causes import what reads them": (
        "chalicelib/domain/incoming/cause_rules/x.py",
        "import chalicelib.domain.incoming.causes",
    ),
    "reports import routing": (
        "chalicelib/domain/incoming/reports/x.py",
        "import chalicelib.domain.tenancy.routes",
    ),
    "the bodies of events import incoming mail": (
        "chalicelib/domain/events/x.py",
        "import chalicelib.domain.incoming.causes",
    ),
    "what Postal has imports a port": (
        "chalicelib/domain/postal/x.py",
        "import chalicelib.ports.repository",
    ),
    "an import from Postal imports SQLite": (
        "onehost/postal/x.py",
        "import apsw",
    ),
    "the values of webhooks import events": (
        "chalicelib/domain/webhooks/x.py",
        "import chalicelib.domain.events.event",
    ),
    "webhooks import the queue": (
        "chalicelib/services/webhooks/x.py",
        "import chalicelib.services.queue.batch",
    ),
    "the function of webhooks imports mail": (
        "functions/webhooks.py",
        "import chalicelib.services.incoming.pipeline",
    ),
    "the sweep imports outgoing": (
        "functions/sweep.py",
        "import chalicelib.services.outgoing.pipeline",
    ),
    "suppressions by hand import the queue": (
        "chalicelib/services/suppressions.py",
        "import chalicelib.services.queue.batch",
    ),
    "notices import the queue": (
        "chalicelib/services/notify_members.py",
        "import chalicelib.services.queue.batch",
    ),
    "the services of incoming mail import tracking": (
        "chalicelib/services/incoming/x.py",
        "import chalicelib.services.tracking.answer",
    ),
    "tracking imports outgoing": (
        "chalicelib/domain/tracking/x.py",
        "import chalicelib.domain.outgoing.retry",
    ),
    "tenancy imports mail": (
        "chalicelib/domain/tenancy/x.py",
        "import chalicelib.domain.mail.address",
    ),
    "people imports mail": (
        "chalicelib/domain/people/x.py",
        "import chalicelib.domain.mail.address",
    ),
    "the ground imports mail": ("chalicelib/domain/x.py", "import chalicelib.domain.mail.address"),
    "ports import mail": ("chalicelib/ports/x.py", "import chalicelib.domain.mail.address"),
    "a service of all imports one folder's": (
        "chalicelib/services/x.py",
        "import chalicelib.services.queue.batch",
    ),
    "the queue imports smtp": (
        "chalicelib/services/queue/x.py",
        "import chalicelib.domain.smtp.classify",
    ),
    "the queue reads the clock": (
        "chalicelib/services/queue/x.py",
        "import datetime\ndatetime.datetime.now()",
    ),
    "outgoing imports the settings of domains": (
        "chalicelib/services/outgoing/x.py",
        "from chalicelib.services.tenancy.domains import Domains",
    ),
    "system mail imports an adapter": (
        "chalicelib/services/system_mail.py",
        "import chalicelib.adapters.network.smtp_client",
    ),
    "suppression lists import a pipeline": (
        "chalicelib/services/suppressions.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "erasure imports an adapter": (
        "chalicelib/services/erasure/erase_mail.py",
        "import chalicelib.adapters.sqlite.traces",
    ),
    "retention imports an adapter": (
        "chalicelib/services/retention/retain.py",
        "import chalicelib.adapters.sqlite.contents",
    ),
    "jobs import an adapter": (
        "chalicelib/services/jobs/run.py",
        "import chalicelib.adapters.sqlite.jobs",
    ),
    "the function of jobs imports a pipeline": (
        "functions/jobs.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "shown mail imports a pipeline": (
        "chalicelib/services/shown_mail.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "suspensions import a pipeline": (
        "chalicelib/services/suspensions.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "mailed codes import a pipeline": (
        "chalicelib/services/domain_codes.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "what checks tell imports the API": (
        "chalicelib/services/tell_domain_events.py",
        "import chalicelib.api.v2.domain_models",
    ),
    "hourly checks import an adapter": (
        "chalicelib/services/dns_monitor.py",
        "import chalicelib.adapters.network.name_servers",
    ),
    "own records import an adapter": (
        "chalicelib/services/own_records.py",
        "import chalicelib.adapters.network.resolver",
    ),
    "messages import the queue": (
        "chalicelib/services/messages/x.py",
        "import chalicelib.services.queue.sweep",
    ),
    "events import messages": (
        "chalicelib/services/events/x.py",
        "import chalicelib.services.messages.history",
    ),
    "answers to visits import the queue": (
        "chalicelib/services/tracking/x.py",
        "import chalicelib.services.queue.sweep",
    ),
    "tenancy imports a pipeline": (
        "chalicelib/services/tenancy/x.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "people import a pipeline": (
        "chalicelib/services/people/x.py",
        "import chalicelib.services.outgoing.pipeline",
    ),
    "the looks at the installation import a pipeline": (
        "chalicelib/services/checks.py",
        "import chalicelib.services.outgoing.targets",
    ),
    "what asks DNS imports an adapter": (
        "chalicelib/services/ask_dns.py",
        "import chalicelib.adapters.network.resolver",
    ),
    "looks at lists import an adapter": (
        "chalicelib/services/reputation/x.py",
        "import chalicelib.adapters.network.resolver",
    ),
    "pools import tenancy": (
        "chalicelib/services/pools/x.py",
        "import chalicelib.services.tenancy.servers",
    ),
    "the table of adapters imports one": (
        "chalicelib/adapters/families.py",
        "import chalicelib.adapters.aws.s3",
    ),
    "storage imports a family": (
        "chalicelib/adapters/storage/x.py",
        "import chalicelib.adapters.sqlite.queue",
    ),
    "crypto imports kms": ("chalicelib/adapters/crypto/x.py", "import chalicelib.adapters.aws.kms"),
    "system imports scripted": (
        "chalicelib/adapters/system/x.py",
        "import chalicelib.adapters.scripted.time",
    ),
    "network imports scripted": (
        "chalicelib/adapters/network/x.py",
        "import chalicelib.adapters.scripted.resolver",
    ),
    "scripted imports a session": (
        "chalicelib/adapters/scripted/x.py",
        "import chalicelib.adapters.network.smtp_session",
    ),
    "sqlite imports aws": (
        "chalicelib/adapters/sqlite/x.py",
        "from chalicelib.adapters.aws.dynamo.records import read",
    ),
    "aws imports sqlite": (
        "chalicelib/adapters/aws/x.py",
        "from chalicelib.adapters.sqlite.queue import SqliteWorkQueue",
    ),
    "aws imports its tables": (
        "chalicelib/adapters/aws/x.py",
        "import chalicelib.adapters.aws.dynamo.table",
    ),
    "the index function imports the tables": (
        "functions/index.py",
        "import chalicelib.adapters.aws.dynamo.table",
    ),
    "the lake imports the tables": (
        "chalicelib/adapters/aws/lake/x.py",
        "import chalicelib.adapters.aws.dynamo.table",
    ),
    "the tables import sqlite": (
        "chalicelib/adapters/aws/dynamo/x.py",
        "import chalicelib.adapters.sqlite.messages",
    ),
    "version 1 imports version 2": ("chalicelib/api/v1/x.py", "import chalicelib.api.v2.problems"),
    "version 2 imports version 1": ("chalicelib/api/v2/x.py", "import chalicelib.api.v1.envelope"),
    "api imports one version": ("chalicelib/api/x.py", "import chalicelib.api.v2.problems"),
    "pages import the outbound pipeline": (
        "chalicelib/web/x.py",
        "import chalicelib.services.outgoing.accept",
    ),
    "a page asks a store": ("chalicelib/web/pages/x.py", "import chalicelib.ports.messages"),
    "cli imports the api": ("chalicelib/cli/x.py", "import chalicelib.api.v2.models"),
    "cli opens the storage": ("chalicelib/cli/x.py", "def f():\n    import chalicelib.bootstrap"),
    "cli imports the domain": ("chalicelib/cli/x.py", "import chalicelib.domain.errors"),
    "the local part of cli imports an adapter": (
        "chalicelib/cli/local/x.py",
        "import chalicelib.adapters.sqlite.folder",
    ),
    "what is sent by SMTP opens the storage": (
        "chalicelib/cli/submission/x.py",
        "import chalicelib.bootstrap",
    ),
    "the client imports the program": (
        "clients/python/posthorn_client/x.py",
        "import chalicelib.domain.errors",
    ),
    "the client imports a library": ("clients/python/posthorn_client/x.py", "import httpx"),
    "models import operations": (
        "clients/python/posthorn_client/models/x.py",
        "import posthorn_client.client",
    ),
    "operations import the program": (
        "clients/python/posthorn_client/operations/x.py",
        "import chalicelib.api.v2.models",
    ),
    "functions import tenancy": ("functions/x.py", "import chalicelib.services.tenancy.domains"),
    "the upkeep imports a table": (
        "functions/upkeep.py",
        "import chalicelib.adapters.aws.dynamo.table",
    ),
    "mail that arrived is sent by hand": (
        "functions/incoming.py",
        "import chalicelib.services.outgoing.transmit",
    ),
    "the outbox imports a table": (
        "functions/outbox.py",
        "import chalicelib.adapters.aws.dynamo.table",
    ),
    "gateway imports the queue": (
        "smtp-gateway/gateway/x.py",
        "import chalicelib.services.queue.attempt",
    ),
    "infra imports an adapter": ("infra/x.py", "import chalicelib.adapters.aws.session"),
    "infra imports the stack": ("infra/x.py", "import infra.local.runner"),
    "the local stack imports functions": ("infra/local/x.py", "import functions.deliver"),
    "a release imports the stack": ("infra/release/x.py", "import infra.local.runner"),
    "the extension imports a service": (
        "infra/localstack/posthorn_localstack/x.py",
        "import chalicelib.services.tenancy.domains",
    ),
    "domain imports the tables of names": ("chalicelib/domain/x.py", "import idna"),
    "an adapter imports the tables of names": ("chalicelib/adapters/x.py", "import idna.core"),
    "the local stack imports the tables of names": (
        "infra/local/x.py",
        "def f():\n    from idna import encode",
    ),
    "the guard of destinations imports mail": (
        "chalicelib/domain/destination_guard.py",
        "import chalicelib.domain.mail.address",
    ),
    "domain imports the list of suffixes": ("chalicelib/domain/x.py", "import publicsuffixlist"),
    "the list of suffixes asks for tables": ("chalicelib/domain/registered_name.py", "import idna"),
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


def test_every_rule_is_seen_to_be_broken() -> None:
    files = [
        file.removeprefix("smtp-gateway/").removeprefix("clients/python/").removesuffix(".py")
        for file, _ in WRONG.values()
    ]
    broken = {rule_for(file.removesuffix("/__init__").replace("/", ".")).place for file in files}
    assert broken == RULES.keys()
