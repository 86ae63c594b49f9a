"""Mail for a server whose pool has no queue is put off, and only the operator's log says why."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.aws.sqs import SqsWorkQueue
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from chalicelib.services.tenancy.authenticate import Authenticate
from tests.fakes import a_job, a_message, a_server_id
from tests.tenants import make_tenant

pytestmark = pytest.mark.aws
PUT_OFF = "Mail of this server cannot be queued at the moment, try again later"


async def test_what_the_client_and_the_log_are_told(
    aws_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    program = bootstrap.on_aws(aws_settings)
    server, key = await make_tenant(program, CredentialKind.API)
    await program[Repository].replace(SERVERS, replace(server, pool="gone"))
    program = bootstrap.on_aws(aws_settings)
    principal = await program[Authenticate].by_key(key, frozenset({CredentialKind.API}))
    content = b"From: app@acme.test\r\nSubject: x\r\n\r\nbody\r\n"
    mail = Submission(principal, "app@acme.test", (Recipient("john@example.com"),), content)
    with caplog.at_level(logging.ERROR, "posthorn"), pytest.raises(TemporaryFailure) as put_off:
        await program[AcceptMail].submit(mail)
    assert put_off.value.public == PUT_OFF
    assert put_off.value.reply.render() == f"451 4.3.0 {PUT_OFF}\r\n".encode()
    (line,) = caplog.records
    queue = f"{aws_settings.queue_prefix}deliver-gone"
    assert line.getMessage() == f"the pool gone has no queue: {queue} is missing"
    assert line.__dict__["fields"] == {"pool": "gone", "queue": queue}


async def test_a_queue_that_goes_while_a_process_knows_it_and_comes_back(aws: Posthorn) -> None:
    pool, item = f"p{a_server_id()}", a_job(a_message(a_server_id(), 1))
    name = f"{aws[SqsWorkQueue]._prefix}deliver-{pool}"
    made = await aws[AwsSession].call("sqs", "create_queue", QueueName=name)
    assert pool in await aws[WorkQueue].pools()
    await aws[WorkQueue].wake(pool, [item])
    await aws[AwsSession].call("sqs", "delete_queue", QueueUrl=made["QueueUrl"])
    for _ in range(2):
        with pytest.raises(TemporaryFailure, match=PUT_OFF):
            await aws[WorkQueue].wake(pool, [item])
    assert pool not in await aws[WorkQueue].pools()
    await aws[AwsSession].call("sqs", "create_queue", QueueName=name)
    await aws[WorkQueue].wake(pool, [item])
    await aws[AwsSession].call("sqs", "delete_queue", QueueUrl=made["QueueUrl"])


async def test_a_thousand_queues_are_more_than_one_page(
    aws: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.adapters.aws import sqs

    monkeypatch.setattr(sqs, "_PAGE", 1)
    pools = [f"p{a_server_id()}" for _ in range(3)]
    start = f"{aws[SqsWorkQueue]._prefix}deliver-"
    made = [
        await aws[AwsSession].call("sqs", "create_queue", QueueName=start + pool) for pool in pools
    ]
    assert {"default", *pools} <= set(await aws[WorkQueue].pools())
    for one in made:
        await aws[AwsSession].call("sqs", "delete_queue", QueueUrl=one["QueueUrl"])
