"""Bills from log lines: what is read, what it costs, and how the rate moves it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cost import prices
from bench.cost.billing import Model, Used, add_lines, dollars, fit, second_of_waiting, slower
from bench.cost.counting import gathered
from bench.cost.tables import Measured, as_json, model_of, tables
from infra.templates import load

REPORT = (
    "REPORT RequestId: 1\tDuration: 99.1 ms\tBilled Duration: 100 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 80 MB\t"
)
MODEL = Model(write_units=4.0, read_units=0.6, batch_ms=30, message_ms=5)


def line(**fields: object) -> str:
    return json.dumps({"unit": "deliver", "outcome": "ok", "ms": 40.0, **fields})


def test_a_functions_log_becomes_calls_units_bytes_and_billed_time() -> None:
    used = Used()
    said = line(
        records=23,
        aws={"s3.GetObject": 2, "dynamodb.UpdateItem": 46},
        units={"write": 46.5, "read": 3.0},
        bytes={"sent": 1_000, "received": 20_000},
    )
    add_lines(used, ["START RequestId: 1", said, "{ broken", "END RequestId: 1", REPORT], "f")
    assert used.calls == {
        "s3.GetObject": 2,
        "dynamodb.UpdateItem": 46,
        "sqs.ReceiveMessage": 3,
        "sqs.DeleteMessageBatch": 3,
    }
    assert (used.write_units, used.read_units) == (46.5, 3.0)
    assert (used.sent, used.received) == (1_000, 20_000)
    assert used.invocations == {"f": 1}
    assert used.milliseconds == {"f": 100}
    assert used.gb_seconds == {"f": pytest.approx(0.05)}
    assert used.batches == [(23, 40.0)]
    assert used.total_calls == 54


def test_the_gateways_lines_are_no_lambda_logs() -> None:
    used = Used()
    used.add_line(json.dumps({"event": "stopped", "aws": {"s3.PutObject": 1}}))
    assert used.calls == {"s3.PutObject": 1}
    assert used.log_bytes == 0
    assert not used.invocations


def test_dollars_follow_the_price_table() -> None:
    used = Used(write_units=1e6, read_units=1e6, http_requests=1_000_000, log_bytes=10**9)
    used.calls.update({"s3.PutObject": 1_000_000, "s3.GetObject": 1_000_000})
    used.calls.update({"sqs.SendMessageBatch": 1_000_000, "kms.Decrypt": 1_000_000})
    used.invocations["f"] = 1_000_000
    used.gb_seconds["f"] = 1_000.0
    bill = dollars(used)
    assert bill == {
        "API Gateway": pytest.approx(3.50),
        "Lambda requests": pytest.approx(0.20),
        "Lambda time": pytest.approx(0.0166667),
        "S3": pytest.approx(5.40),
        "SQS": pytest.approx(0.40),
        "DynamoDB writes": pytest.approx(0.625),
        "DynamoDB reads": pytest.approx(0.125),
        "KMS": pytest.approx(3.0),
        "CloudWatch Logs": pytest.approx(0.50),
    }
    assert dollars(used, "arm64")["Lambda time"] < bill["Lambda time"]


def test_a_small_function_computes_slower() -> None:
    used = Used()
    used.add_line(REPORT, "f")
    at_most = dollars(used)["Lambda time"] * (1769 / 512 - 1)
    assert slower(used) == pytest.approx(at_most)
    assert slower(Used()) == 0


def test_each_batch_waits_for_its_slowest_receiver() -> None:
    used = Used(batches=[(10, 40.0), (50, 90.0)])
    assert second_of_waiting(used) == pytest.approx(2 * 0.5 * 0.0000166667)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_the_fit_finds_what_a_batch_and_a_message_take(batch: float, message: float) -> None:
    found = fit([(size, batch + message * size) for size in (1, 5, 10)])
    assert found == (pytest.approx(batch, abs=1e-6), pytest.approx(message, abs=1e-6))


def test_the_fit_of_nothing_and_of_one_size() -> None:
    assert fit([]) == (0.0, 0.0)
    assert fit([(10, 50.0), (10, 70.0)]) == (0.0, 6.0)


def test_a_message_never_costs_more_when_more_come() -> None:
    paces = [MODEL.at(rate) for rate in (1, 3, 10, 30, 100, 300, 1_000, 5_000)]
    costs = [pace.dollars for pace in paces]
    assert costs == sorted(costs, reverse=True)
    assert paces[0].commit == paces[0].batch == 1
    assert (paces[-1].commit, paces[-1].batch) == (64, 50)
    assert paces[0].calls > 9
    assert paces[-1].calls < 4


def test_the_price_list_has_every_alarm() -> None:
    resources = [
        resource
        for name in ("data.yaml", "functions.merge.yaml", "gateway.yaml")
        for resource in load(name)["Resources"].values()
    ]
    alarms = [one for one in resources if one.get("Type") == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == prices.ALARMS


def test_the_table_says_when_and_whence() -> None:
    assert prices.DATE
    assert "AWS" in prices.SOURCE
    assert all(low <= high for low, high in prices.PEERS.values())
    assert {"Amazon SES", "Postmark", "Mailgun", "Resend", "SendGrid"} == set(prices.PEERS)


def test_what_two_have_used_is_summed() -> None:
    used, more = Used(write_units=1.0), Used(write_units=0.5, batches=[(3, 9.0)])
    used.add_line(REPORT, "f")
    more.add_line(REPORT, "f")
    more.add_invocation("g", 100.0, 1024)
    used.add(more)
    assert used.write_units == 1.5
    assert used.invocations == {"f": 2, "g": 1}
    assert used.milliseconds == {"f": 200, "g": 100}
    assert used.gb_seconds == {"f": pytest.approx(0.1), "g": pytest.approx(0.1)}
    assert used.batches == [(3, 9.0)]


def test_the_tables_and_the_json_say_the_same() -> None:
    ways = []
    for way in ("SMTP", "HTTP", "webhook"):
        used, counting = Used(write_units=4_100.0), Used(write_units=20.0)
        used.calls.update({"dynamodb.UpdateItem": 2_100, "dynamodb.PutItem": 1_000})
        counting.calls.update({"dynamodb.UpdateItem": 20})
        used.batches = [(10, 100.0)] * 100
        ways.append(Measured(way, 1_000, used, counting))
    smtp, http, webhook = ways
    webhook.used.write_units += 3_000
    webhook.used.add_invocation("Webhooks", 500.0, 512)
    told = as_json(smtp, http, webhook)
    assert json.loads(json.dumps(told)) is not None
    assert told["ways"]["SMTP"]["figures"]["DynamoDB write units"] == 4.1
    assert [one["met"] for one in told["targets"]] == [True] * 4
    text = "\n".join(tables(smtp, http, webhook))
    assert f"{told['ways']['SMTP']['sum']:12.2f}" in text
    assert f"{told['by_rate'][0]['dollars'] * 1e6:14.2f}" in text
    assert "MISSED" not in text
    of_event = told["event_at_a_webhook"]
    assert (of_event["DynamoDB write units"], of_event["billed ms"]) == (pytest.approx(3.0), 0.5)
    # 4,100 units without those of the outbox and those of eighty blocks of numbers.
    assert model_of(smtp).write_units == 4.0
    dear = Measured("SMTP", 1_000, Used(write_units=4_200.0), Used())
    assert "MISSED" in "\n".join(tables(dear, http, webhook))


def changed(at: float) -> dict[str, object]:
    return {"dynamodb": {"ApproximateCreationDateTime": at}}


def test_changes_are_gathered_for_five_seconds_and_up_to_a_thousand() -> None:
    early, late = [changed(100.0)] * 3, [changed(105.0)] * 2
    assert [len(batch) for batch in gathered([*early, *late])] == [3, 2]
    assert [len(batch) for batch in gathered([changed(1.0)] * 2_001)] == [1_000, 1_000, 1]
    assert list(gathered([])) == []
