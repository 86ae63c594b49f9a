"""The seams of Posthorn: what the services need from the world, one Protocol each, verbs only as needed.

No term of a particular store or queue appears here, so that another family of adapters can take the place of the
AWS one. Every port has a fake in `tests/fakes.py` and one contract test that the fake and the real adapter both
pass. All verbs that may touch the network are coroutines and raise `MailError` values: `TemporaryFailure` when the
other side is away, the named error otherwise. Nothing here retries unless its docstring says so.
"""

from chalicelib.ports.assembled import Ports
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.mail import (
    UPLOAD_KEPT_SECONDS,
    BlobStore,
    ClaimFailure,
    ClaimRefused,
    MessageStore,
    Numbers,
    UploadTicket,
    WorkQueue,
)
from chalicelib.ports.network import Conversation, Egress, Resolver, Transaction
from chalicelib.ports.secrets import KeyMaker, KeyVault, Signer
from chalicelib.ports.sending import (
    Claimed,
    IdempotencyClaim,
    IdempotencyKeys,
    SendVolume,
    SuppressionList,
)
from chalicelib.ports.statistics import ChangeReader, Statistics
from chalicelib.ports.tenancy import Accounts, Directory
from chalicelib.ports.time import Clock, Rand

__all__ = [
    "UPLOAD_KEPT_SECONDS",
    "Accounts",
    "BlobStore",
    "ChangeReader",
    "ClaimFailure",
    "ClaimRefused",
    "Claimed",
    "Clock",
    "Conversation",
    "Directory",
    "Egress",
    "Engagement",
    "IdempotencyClaim",
    "IdempotencyKeys",
    "KeyMaker",
    "KeyVault",
    "MessageStore",
    "Numbers",
    "Ports",
    "Rand",
    "Resolver",
    "SendVolume",
    "Signer",
    "Statistics",
    "SuppressionList",
    "Transaction",
    "UploadTicket",
    "WorkQueue",
]
