"""Who works in an installation of a test: at wake-ups of mail, at what the outbox is to be told, and at webhooks.

One host is worked at by its own coroutines. On AWS the handlers of the functions get the events that Lambda makes of
queues and stream; what is sent to queues stays in the session of the test, so that nothing is late or hidden.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.adapters.sqlite.webhook_lanes import SqliteWebhookLanes
from chalicelib.bootstrap import Posthorn, run
from chalicelib.config import Settings
from chalicelib.domain.model import INCOMING_QUEUE
from chalicelib.ports.clock import Clock
from chalicelib.services.webhooks.work_lane import WorkLane
from functions.deliver import attempt
from functions.incoming import carry
from functions.queue_batch import Invocation, QueueRecord
from infra.local.invocation import Context, failed_of, sqs_event, stream_event
from infra.local.sources import SOURCES
from infra.local.stream import matches, sequence_of, template_filters
from onehost.upkeep import Upkeep

# Those of a function, by default.
SECONDS = float(Settings().lease_seconds)
MOST_TURNS = 20
ARN = "arn:aws:sqs:us-east-1:000000000000:"
STREAM_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/mail/stream/1"


class Hands(ABC):
    """Whoever works in a program."""

    program: Posthorn

    @abstractmethod
    def work(self) -> None:
        """Try what is to be tried now, until nothing is."""

    @abstractmethod
    def tell(self) -> None:
        """Tell the outbox what has happened."""

    @abstractmethod
    def post(self) -> None:
        """Post what webhooks are due."""


class OneHostHands(Hands):
    """Of a state folder."""

    def __init__(self, program: Posthorn) -> None:
        self.program = program

    def work(self) -> None:
        """As `onehost.deliverers` does."""
        run(self._work())

    async def _work(self) -> None:
        queue = self.program[SqliteWorkQueue]
        for _ in range(MOST_TURNS):
            taken = 0
            for pool in await queue.queues():
                jobs = await queue.receive(pool, 50, "p-0-1")
                taken += len(jobs)
                records = tuple(
                    QueueRecord(one.receipt, one.receipt, one.job, one.receive_count)
                    for one in jobs
                )
                handler = carry if pool == INCOMING_QUEUE else attempt
                left = set(await handler(self.program, Invocation(records, lambda: SECONDS)))
                await queue.delete([one.receipt for one in jobs if one.receipt not in left])
            if not taken:
                return

    def tell(self) -> None:
        run(Upkeep(self.program).feed())

    def post(self) -> None:
        run(self._post())

    async def _post(self) -> None:
        lanes = self.program[SqliteWebhookLanes]
        await lanes.free_all()
        for job in await lanes.due(self.program[Clock].now(), 1_000):
            await self.program[WorkLane].run(job, SECONDS)


class PlayedSession(AwsSession):
    """A session that keeps what is sent to queues, by the end of their names, with the time from which it can be
    received, and the data keys that KMS gave.

    `keys` opens what another KMS wrapped, which no emulator can.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(Meter())
        self.now = now
        self.queues: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        self.keys: dict[bytes, bytes] = {}
        self.prefix = ""

    async def call(
        self,
        service: str,
        operation: str,
        /,
        *,
        expected: tuple[str, ...] = (),
        then: Callable[[Any], Any] | None = None,
        **parameters: Any,
    ) -> Any:
        answer = self._played(service, operation, parameters)
        if answer is not None:
            return then(answer) if then is not None else answer
        answer = await super().call(service, operation, expected=expected, then=then, **parameters)
        if operation == "generate_data_key":
            self.keys[answer["CiphertextBlob"]] = answer["Plaintext"]
        return answer

    def _played(self, service: str, operation: str, given: Mapping[str, Any]) -> Any:
        if operation == "decrypt" and given["CiphertextBlob"] in self.keys:
            return {"Plaintext": self.keys[given["CiphertextBlob"]]}
        if service != "sqs":
            return None
        if operation == "send_message":
            self._keep(given["QueueUrl"], given)
            return {}
        if operation == "send_message_batch":
            for one in given["Entries"]:
                self._keep(given["QueueUrl"], one)
            return {"Successful": [{"Id": one["Id"]} for one in given["Entries"]]}
        return {} if operation.startswith("change_message_visibility") else None

    def _keep(self, url: str, sent: Mapping[str, Any]) -> None:
        name = url.rpartition("/")[2].removeprefix(self.prefix)
        self.queues[name].append((self.now() + sent.get("DelaySeconds", 0), sent["MessageBody"]))


class AwsHands(Hands):
    """Of functions over an emulator. `shard` is how Lambda names the shard of what is told from now on; `records` are
    those that the outbox was told, and `untold` those that wait."""

    def __init__(self, program: Posthorn, session: PlayedSession, shard: str) -> None:
        self.program = program
        self.session = session
        session.prefix = program.settings.queue_prefix
        self.shard = shard
        self.told: list[Any] = []
        self.untold: list[Any] = []
        self._iterators: dict[str, str] = {}
        self._filters = template_filters()

    def work(self) -> None:
        """Hand over the wake-ups of mail."""
        for _ in range(MOST_TURNS):
            names = [one for one in self.session.queues if re.match("deliver-|incoming", one)]
            if not sum(self.hand_over(name) for name in names):
                return

    def hand_over(self, name: str) -> int:
        """What can be received from a queue to its handler, once; how many it is done with."""
        lying, now = self.session.queues.pop(name, []), self.session.now()
        self.session.queues[name] += [one for one in lying if one[0] > now]
        bodies = [body for due, body in lying if due <= now]
        if not bodies:
            return 0
        messages = [
            {"MessageId": str(number), "ReceiptHandle": f"r{number}", "Body": body}
            for number, body in enumerate(bodies)
        ]
        ids = [one["MessageId"] for one in messages]
        event = sqs_event(messages, f"{ARN}{name}", "us-east-1")
        failed = failed_of(resolve_name(handler_of(name)), event, Context(name, SECONDS), ids)
        # What was handed over comes again when it has been hidden for long enough.
        again = now + self.program.settings.visibility_seconds
        self.session.queues[name] += [(again, bodies[int(one)]) for one in sorted(failed, key=int)]
        return len(bodies) - len(failed)

    def look(self) -> None:
        """Read what is new in the stream."""
        client = self.session.client("dynamodbstreams")
        table = self.program.settings.mail_table
        (found,) = client.list_streams(TableName=table)["Streams"]
        arn = found["StreamArn"]
        for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            iterator = (
                self._iterators.get(name)
                or client.get_shard_iterator(
                    StreamArn=arn, ShardId=name, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            )
            self._iterators[name], records = read_on(client, iterator)
            fitting = [one for one in records if self._fits(one)]
            event = stream_event(fitting, self.shard, STREAM_ARN, "us-east-1") if fitting else {}
            self.untold += event.get("Records", [])

    def _fits(self, record: Any) -> bool:
        return any(matches(pattern, record) for pattern in self._filters)

    def tell(self) -> None:
        self.look()
        hand_over_stream(self.untold, self.shard)
        self.told += self.untold
        self.untold = []

    def post(self) -> None:
        self.hand_over("webhooks")
        self.hand_over("webhooks-slow")


def handler_of(queue: str) -> str:
    """Which handler a queue feeds, by the end of its name."""
    fitting = [one for one in SOURCES if one.queues and queue.startswith(one.queues)]
    return max(fitting, key=lambda one: len(one.queues)).handler


def hand_over_stream(records: Sequence[Any], shard: str) -> None:
    """Tell the outbox records of a shard."""
    if not records:
        return
    handler: Any = resolve_name("functions.outbox:outbox")
    event = {"Records": list(records), "shardId": shard, "eventSourceARN": STREAM_ARN, "state": {}}
    ids = [sequence_of(one) for one in records]
    assert not failed_of(handler, event, Context("outbox", SECONDS), ids)


def read_on(client: Any, iterator: str) -> tuple[str, list[Any]]:
    """All that a shard has from there on, and where to go on."""
    found: list[Any] = []
    while True:
        answer = client.get_records(ShardIterator=iterator, Limit=1_000)
        found += answer["Records"]
        iterator = answer["NextShardIterator"]
        if not answer["Records"]:
            return iterator, found
