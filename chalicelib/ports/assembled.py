"""All ports together, as a program is assembled from them."""

from __future__ import annotations

from typing import Protocol

from chalicelib.ports.accounts import Accounts
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.changes import ChangeReader
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.egress import Egress
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.vault import KeyVault
from chalicelib.ports.volume import SendVolume


class Ports(Protocol):
    """One adapter for each port."""

    @property
    def clock(self) -> Clock: ...
    @property
    def rand(self) -> Rand: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def accounts_store(self) -> Accounts: ...
    @property
    def messages(self) -> MessageStore: ...
    @property
    def blobs(self) -> BlobStore: ...
    @property
    def queue(self) -> WorkQueue: ...
    @property
    def suppressions(self) -> SuppressionList: ...
    @property
    def numbers(self) -> Numbers: ...
    @property
    def volume(self) -> SendVolume: ...
    @property
    def idempotency(self) -> IdempotencyKeys: ...
    @property
    def engagement(self) -> Engagement: ...
    @property
    def statistics(self) -> Statistics: ...
    @property
    def changes(self) -> ChangeReader: ...
    @property
    def vault(self) -> KeyVault: ...
    @property
    def resolver(self) -> Resolver: ...
    @property
    def egress(self) -> Egress: ...
