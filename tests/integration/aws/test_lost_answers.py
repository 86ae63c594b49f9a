"""A write whose answer is lost is repeated by the SDK, which must not take our own success for a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.aws.dynamo.send_limits import DynamoSendLimits
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.limits.limit import Limit, LimitOwner, OwnerKind
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.send_limits import SendLimits
from tests.fakes import NOW, a_delivery, a_job, a_message, a_server_id

pytestmark = pytest.mark.aws


@pytest.fixture
def losing(aws: Posthorn) -> list[str]:
    """Names of operations whose next answer is lost after DynamoDB did the work: 500 to the SDK, which repeats."""
    lost: list[str] = []
    client = aws[AwsSession].client("dynamodb")
    from botocore.awsrequest import AWSResponse

    def lose(request: Any, **_: Any) -> Any:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        if operation not in lost:
            return None
        lost.remove(operation)
        real = client._endpoint.http_session.send(
            request.prepare() if hasattr(request, "prepare") else request
        )
        assert real.status_code == 200
        body = b'{"__type":"InternalServerError","message":"lost"}'
        answer = AWSResponse(request.url, 500, {}, None)
        answer._content = body
        return answer

    client.meta.events.register("before-send.dynamodb", lose)
    return lost


async def test_a_claim_repeated_is_still_ours(aws: Posthorn, losing: list[str]) -> None:
    message = a_message(a_server_id(), 1)
    await aws[MessageStore].create([message])
    losing.append("UpdateItem")
    record = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert losing == []
    assert isinstance(record, MessageRecord)
    assert record.lease_owner == "w1"
    assert record.taken_over is False


async def test_a_claim_that_creates_repeated_is_still_ours(
    aws: Posthorn, losing: list[str]
) -> None:
    message = a_message(a_server_id(), 1)
    losing.append("PutItem")
    record = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert losing == []
    assert isinstance(record, MessageRecord)


async def test_an_outcome_repeated_is_written_once(aws: Posthorn, losing: list[str]) -> None:
    message = a_message(a_server_id(), 1)
    before = await aws[MessageStore].claim(a_job(message), "w1", NOW, NOW + 300)
    assert isinstance(before, MessageRecord)
    after = replace(
        before,
        state=State.DONE,
        status=Status.SENT,
        attempt=1,
        lease_owner="",
        lease_until=0,
        deliveries=(a_delivery(1),),
    )
    losing.append("UpdateItem")
    assert await aws[MessageStore].replace(before, after)
    assert losing == []
    assert await aws[MessageStore].get(message.server_id, message.id) == after


async def test_a_creation_repeated_is_no_collision(aws: Posthorn, losing: list[str]) -> None:
    message = a_message(a_server_id(), 1)
    losing.append("PutItem")
    assert await aws[MessageStore].create([message]) == [True]
    assert losing == []


async def test_an_idempotency_claim_repeated_has_started(aws: Posthorn, losing: list[str]) -> None:
    losing.append("PutItem")
    claim = await aws[IdempotencyKeys].begin(a_server_id(), "key", "print", NOW)
    assert losing == []
    assert claim.found is Claimed.STARTED


async def test_places_given_back_repeated_are_given_back_once(
    aws: Posthorn, losing: list[str]
) -> None:
    limit = Limit(LimitOwner(OwnerKind.SERVER, a_server_id()), Period.HOUR, 9)
    for _ in range(5):
        await aws[SendLimits].take([limit], 1, NOW)
    for left in (4, 3):
        losing.append("UpdateItem")
        await aws[SendLimits].give_back([limit], 1, NOW)
        assert losing == []
        assert [one.used for one in await aws[SendLimits].usages([limit], NOW)] == [left]


async def test_a_place_that_cannot_be_given_back_is_lost_and_no_other_comes_back_twice(
    aws: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = a_server_id()
    ours = [Limit(LimitOwner(OwnerKind.SERVER, server), one, 9) for one in Period]
    shared = Limit(LimitOwner(OwnerKind.ORGANIZATION, server), Period.HOUR, 1)
    for wanted in ([shared], ours, ours):
        assert (await aws[SendLimits].take(wanted, 1, NOW)).full is None
    real, away = DynamoSendLimits._give_back, [Period.DAY]

    async def give_back(self: DynamoSendLimits, limit: Limit, count: int, at: float) -> None:
        if limit.period in away:
            away.remove(limit.period)
            raise TemporaryFailure("away")
        await real(self, limit, count, at)

    monkeypatch.setattr(DynamoSendLimits, "_give_back", give_back)
    assert (await aws[SendLimits].take([*ours, shared], 1, NOW)).full == shared
    assert away == []
    used = [(one.limit.period, one.used) for one in await aws[SendLimits].usages(ours, NOW)]
    assert used == [(one, 3 if one is Period.DAY else 2) for one in Period]
