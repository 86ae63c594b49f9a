"""The relay benchmark with the relays that need nothing installed: one short round, everything signed and delivered."""

from __future__ import annotations

import smtplib

import pytest

from bench import relay
from bench.sink import Sink
from tests.patience import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_one_round_of_ours_durable_and_not_and_of_stock_libraries() -> None:
    names = (relay.BOTH, relay.DURABLE, relay.RSA, relay.STOCK)
    starters = {name: relay.STARTERS[name] for name in names}
    rows = relay.measure(1, 0.05, starters)
    cpu = {row.name: row for row in rows if row.unit == "CPU ms/msg"}
    durable = {row.unit: row for row in rows if row.name == f"relay, {relay.DURABLE}"}
    assert set(cpu) == {f"relay, {name}" for name in names}
    assert all(row.value > 0 for row in rows)
    ours, stock = cpu[f"relay, {relay.BOTH}"], cpu[f"relay, {relay.STOCK}"]
    assert ours.ratio is None
    assert stock.ratio == pytest.approx(ours.value / stock.value)
    assert durable["CPU ms/msg"].ratio == pytest.approx(durable["CPU ms/msg"].value / ours.value)
    assert 0 < durable["fsyncs/msg"].value < 4
    assert rows[0].name.startswith("disk, ")


def test_nothing_durable_is_measured_in_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.disk.file_system_of", lambda _: "tmpfs")
    names = (relay.BOTH, relay.DURABLE)
    rows = relay.measure(1, 0.05, {name: relay.STARTERS[name] for name in names})
    assert {row.name for row in rows} == {f"relay, {relay.BOTH}"}
    assert "set TMPDIR to a folder on a disk" in capsys.readouterr().err


def test_the_sink_tells_signed_from_unsigned() -> None:
    with Sink() as sink, smtplib.SMTP("127.0.0.1", sink.port, timeout=PATIENCE) as client:
        already = sink.begin()
        signed = b"DKIM-Signature: v=1\r\nDkim-signature: v=1\r\n"
        for content in (signed + b"\r\nOne\r\n", b"X: 1\r\n\r\nDKIM-Signature: no\r\n"):
            client.sendmail("a@b.test", ["c@d.test"], content)
        sink.wait_for(already + 2, PATIENCE)
        assert (sink.count, sink.unsigned, sink.signatures) == (2, 1, 2)
