"""One verb of a job on one message: done, told that it was done, or why it cannot be.

Whatever a job does with a message stands on the record of that, in the same write (`jobs`). So whoever comes to a
message again, after a crash, knows it, and only ends what may be left: the bounce of one that was given up. What is
sent once more has its number and token before, written down with the job, and is one message however often it is
stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound, PoolMissing, Rejected, TemporaryFailure
from chalicelib.domain.message_verbs import is_done_by
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.credentials import Credential, CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.by_hand import IncomingByHand
from chalicelib.services.limits.at_acceptance import SendLimitExceeded
from chalicelib.services.outgoing.resend import ResendMail
from chalicelib.services.queue.allow_recipient import AllowRecipient
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.client_directory import ClientDirectory

SUSPENDED = "This server is suspended"
NOT_YOURS = "An entry of the organization stands against the recipient of message {id}"
_NOT_DONE = (Conflict, NotFound, Rejected, SendLimitExceeded)


@dataclass(frozen=True, slots=True)
class Item:
    """A message that a job is about; `name` is that of the message which is to be made of it."""

    id: MessageId
    name: tuple[MessageId, str] | None = None

    @classmethod
    def parse(cls, text: str) -> Item:
        """As it is written down."""
        number, *name = text.split(" ")
        made = (MessageId(int(name[0])), name[1]) if name else None
        return cls(MessageId(int(number)), made)

    def text(self) -> str:
        """To be written down."""
        return str(self.id) if self.name is None else f"{self.id} {self.name[0]} {self.name[1]}"


@dataclass(frozen=True, slots=True)
class Task:
    """What a job asks for: the verb with its parameters, on messages of a server."""

    job: str
    verb: str
    server: Server
    parameters: dict[str, Any]
    sender: Principal


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: a fault, or nothing. `flies` is the attempt that it now waits for, if it was sent on."""

    item: Item
    fault: str = ""
    flies: tuple[MessageId, int] | None = None


class DoVerb:
    """Does verbs for jobs, under whoever acts."""

    def __init__(
        self,
        messages: MessageStore,
        actions: MessageActions,
        incoming: IncomingByHand,
        resend: ResendMail,
        allow: AllowRecipient,
        clients: ClientDirectory,
    ) -> None:
        self._messages = messages
        self._actions = actions
        self._incoming = incoming
        self._resend = resend
        self._allow = allow
        self._clients = clients

    async def sender(self, server: Server, parameters: dict[str, Any]) -> Principal:
        """As whom a job sends: the server key that asked for it, or one that stands for whoever did."""
        caller = parameters.get("caller") or {}
        number, name = caller.get("id") or "", caller.get("name") or ""
        found = await self._clients.credential_by_id(server.id, number) if number else None
        made = Credential(number, server.id, CredentialKind.API, name, 0)
        return Principal(server, found or made)

    async def run(self, task: Task, item: Item, record: MessageRecord | None) -> Done:
        """Do it, unless it is done. Raises TemporaryFailure; then it is to be done again."""
        if record is None:
            return Done(item, f"There is no message {item.id}")
        try:
            return await self._done(task, item, record)
        except _NOT_DONE as wrong:
            return Done(item, wrong.public)
        except PoolMissing as missing:
            if task.verb == "resend":
                return Done(item, missing.public)
            raise

    async def _done(self, task: Task, item: Item, record: MessageRecord) -> Done:
        if is_done_by(record, task.job):
            if task.verb == "bounce":
                await self._incoming.tell(task.server, record)
            return Done(item)
        if task.verb == "resend":
            return await self._resent(task, item)
        after = await self._moved(task, record)
        flies = (item.id, after.attempt) if after.state is State.WAITING else None
        return Done(item, flies=flies)

    async def _moved(self, task: Task, record: MessageRecord) -> MessageRecord:
        server, message, given = task.server, record.message.id, task.parameters
        if task.verb == "release":
            if given.get("allow"):
                await self._check_allowed(task, record)
            note, allow = given.get("note"), bool(given.get("allow"))
            return await self._actions.release(server.id, message, allow=allow, note=note)
        if task.verb == "replay":
            return await self._incoming.replay(server, message, given.get("endpoint"))
        if task.verb == "bounce":
            return await self._incoming.bounce(server, message)
        verbs = {
            "hold": self._actions.hold,
            "cancel": self._actions.cancel,
            "retry": self._actions.retry,
        }
        return await verbs[task.verb](ServerId(server.id), message)

    async def _check_allowed(self, task: Task, record: MessageRecord) -> None:
        is_limited = bool((task.parameters.get("caller") or {}).get("is_limited"))
        if is_limited and await self._allow.needs_organization(record.message):
            raise Conflict(NOT_YOURS.format(id=record.message.id))

    async def _resent(self, task: Task, item: Item) -> Done:
        if item.name is None:
            raise TemporaryFailure("A message to be made has no number")
        made = item.name[0]
        try:
            known = await self._messages.get(task.server.id, made)
        except NotFound:
            await self._resend.resend(task.sender, item.id, item.name, task.job)
            return Done(item, flies=(made, 0))
        flies = (made, 0) if known.state is not State.DONE else None
        return Done(item, flies=flies)
