"""Values as rows of mail.db: what equals its default is NULL, and what has no default must be there."""

from __future__ import annotations

import pytest

from chalicelib.adapters.sqlite.columns import Columns
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.fields import MESSAGE
from chalicelib.domain.model import BlobRef, Message, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId

BARE = Message(
    ServerId(1),
    MessageId(2),
    "token",
    Scope.OUTGOING,
    "a@b.test",
    "c@d.test",
    "Hi",
    "<1@b.test>",
    1.5,
    10,
    BlobRef("k", 0, 10),
    Origin("default", "b.test", "7"),
)
DSN = DsnParameters("NEVER", "", "HDRS", "1")
FULL = Message(
    **{name: getattr(BARE, name) for name in BARE.__slots__}
    | {"tag": "x", "dsn": DSN, "hold": True}
)
COLUMNS = Columns(MESSAGE)


@pytest.mark.parametrize("message", [BARE, FULL])
def test_a_value_comes_back_from_its_row(message: Message) -> None:
    row = COLUMNS.write(message)
    assert Message(*COLUMNS.read(row)) == message


def test_a_default_is_null() -> None:
    row = dict(zip(COLUMNS.names, COLUMNS.write(BARE), strict=True))
    assert {name for name, value in row.items() if value is None} == {
        *("tag", "dsn", "operation", "arrival", "reports_on"),
        *("stream", "metadata", "scheduled_at", "unsubscribe"),
        *("bounce", "hold", "received_with_ssl", "smtputf8"),
        *("stream", "metadata", "scheduled_at", "unsubscribe", "limits", "acceptance", "request"),
    }
    assert (row["pool"], row["scope"], row["blob"]) == ("default", "outgoing", '["k", 0, 10]')


def test_a_field_without_default_must_be_there() -> None:
    row = COLUMNS.write(BARE)
    row[COLUMNS.names.index("token")] = None
    with pytest.raises(KeyError, match="token"):
        COLUMNS.read(row)
