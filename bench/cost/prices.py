"""List prices, in US dollars, of us-east-1: what `make cost` multiplies its counts with.

Found in November 2026 on the price pages of AWS and of the services named; check them before you quote them. No free
tier, no discount, no tax.
"""

from __future__ import annotations

from chalicelib.adapters.aws.meter import Usage

DATE = "2026-11"
SOURCE = "list prices of AWS, us-east-1, on demand, and of the services named"

SQS_CALL = 0.40 / 1e6  # each 64 kB of a request
S3_PUT = 5.00 / 1e6
S3_GET = 0.40 / 1e6
S3_LIST = 5.00 / 1e6
KMS_CALL = 3.00 / 1e6
WRITE_UNIT = 0.625 / 1e6
READ_UNIT = 0.125 / 1e6

LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
REST_REQUEST = 3.50 / 1e6
LOG_GB = 0.50  # ingestion
DATA_OUT_GB = 0.09
GB = 1e9

ALARMS = 41  # with one pool and the gateway

# Dollars a month, whatever is sent.
FIXED = {
    "gateway: two Fargate tasks of 0.25 vCPU and 0.5 GB, arm64": 14.4,
    "gateway: Network Load Balancer without its capacity units": 16.4,
    "public IPv4 addresses, four": 14.6,
    "KMS key": 1.0,
    f"{ALARMS} alarms, a dashboard and two metrics of our own": ALARMS * 0.1 + 3.0 + 0.6,
    "SQS: five idle pollers on each of six queues": 1.56,
    "index: 43,200 runs of 50 ms, and their lists": 0.29,
    "jobs: 43,200 runs of 50 ms, and their reads": 0.08,
    "sweep: 43,200 runs of 50 ms, and their reads": 0.09,
    "upkeep: 730 runs of a second, and their reads": 0.01,
}

# Write units of the list of events, by how many events of one server a batch of changes has: three items
# in a transaction.
EVENT_LIST_UNITS = {1: 6, 10: 6, 100: 6, 1_000: 22}
# A message that a job does something with, and a row of an export: bounds that are held by
# tests/integration/aws/test_jobs_cost.py. Its entry in the audit log costs three units more, by the outbox.
JOB_ITEM_WRITE_UNITS = 8.0
JOB_ITEM_READ_UNITS = 4.0
JOB_ITEM_GB_SECONDS = 1.0 * 0.06 / 16  # sixty milliseconds of calls, sixteen at the same time
EXPORT_ROW_WRITE_UNITS = 0.1
EXPORT_ROW_READ_UNITS = 3.0
AUDIT_ENTRY_UNITS = 6.0
# An hourly check of a domain and its track domain, which found what it found before: measured by
# tests/integration/aws/test_hourly_checks_cost.py, but for the milliseconds, which are those of name servers.
CHECK_WRITE_UNITS = 3.0
CHECK_READ_UNITS = 10.0
CHECK_GB_SECONDS = 0.5 * 1.0 / 16  # a second, in which sixteen are looked at

# A message whose content is forgotten, and one that is forgotten itself, on some night: measured by
# tests/integration/aws/test_retention_cost.py, but for the writes: a delete of an item and of its entry by recipient.
CONTENT_FORGOTTEN_READ_UNITS = 0.3
CONTENT_FORGOTTEN_WRITE_UNITS = 1.0  # what was said, beside its delivery
MESSAGE_FORGOTTEN_READ_UNITS = 2.1
MESSAGE_FORGOTTEN_WRITE_UNITS = 2.0

# The first page of a search on AWS: a list of the index, the most objects that it reads, and the time of the processor.
# Calls and bytes are held by tests/integration/aws/test_lake.py.
SEARCH_GETS = 25
SEARCH_GB_SECONDS = 1.0 * 0.1

# A page of the dashboard whose surroundings are asked for anew: the mean over all pages, held with the most of one by
# tests/web/test_store_calls.py; and a tenth of a second in which it asks and is written.
PAGE_READ_UNITS = 40.0
PAGE_GB_SECONDS = 1.0 * 0.1
PAGE_BESIDE_STORE = REST_REQUEST + LAMBDA_REQUEST + PAGE_GB_SECONDS * LAMBDA_GB_SECOND["x86_64"]

# Dollars a month for what there is, whatever is sent.
BY_USE = {
    "a job that releases 100,000 messages, each time": 100_000
    * (
        (JOB_ITEM_WRITE_UNITS + AUDIT_ENTRY_UNITS) * WRITE_UNIT
        + JOB_ITEM_READ_UNITS * READ_UNIT
        + S3_GET
        + SQS_CALL
        + JOB_ITEM_GB_SECONDS * LAMBDA_GB_SECOND["x86_64"]
    ),
    "an export of 100,000 messages, each time": 100_000
    * (EXPORT_ROW_WRITE_UNITS * WRITE_UNIT + EXPORT_ROW_READ_UNITS * READ_UNIT),
    "a million searches, the first page of each": 1e6
    * (S3_LIST + SEARCH_GETS * S3_GET + SEARCH_GB_SECONDS * LAMBDA_GB_SECOND["x86_64"]),
    "a million views of pages": 1e6 * (PAGE_READ_UNITS * READ_UNIT + PAGE_BESIDE_STORE),
    "retention: a million contents and a million messages forgotten": 1e6
    * (
        (CONTENT_FORGOTTEN_READ_UNITS + MESSAGE_FORGOTTEN_READ_UNITS) * READ_UNIT
        + (CONTENT_FORGOTTEN_WRITE_UNITS + MESSAGE_FORGOTTEN_WRITE_UNITS) * WRITE_UNIT
    ),
    "1,000 domains and their track domains, looked at each hour": 730
    * 1_000
    * (
        CHECK_WRITE_UNITS * WRITE_UNIT
        + CHECK_READ_UNITS * READ_UNIT
        + CHECK_GB_SECONDS * LAMBDA_GB_SECOND["x86_64"]
    ),
}

# Dollars for a million messages: from, to, by plan and volume.
PEERS = {
    "Amazon SES": (100.0, 160.0),
    "Resend": (350.0, 400.0),
    "SendGrid": (500.0, 1_300.0),
    "Mailgun": (800.0, 800.0),
    "Postmark": (1_200.0, 1_800.0),
}

_CALLS = {"s3.PutObject": S3_PUT, "s3.GetObject": S3_GET, "s3.HeadObject": S3_GET}
_CALLS["s3.ListObjectsV2"] = S3_LIST


def price_of(usage: Usage) -> float:
    """Dollars for calls and request units; storage, Lambda's time and data transfer are not in it."""
    calls = sum(count * _price_of_call(name) for name, count in usage.calls.items())
    units = usage.write_units * WRITE_UNIT + usage.read_units * READ_UNIT
    return calls + units + usage.sqs_requests * SQS_CALL


def _price_of_call(name: str) -> float:
    return KMS_CALL if name.startswith("kms.") else _CALLS.get(name, 0.0)


# Counting by groups, held by tests/integration/aws/test_groups_cost.py: a message in batches of fifty, and alone.
GROUP_WRITE_UNITS_IN_BATCHES = 0.08
GROUP_READ_UNITS_IN_BATCHES = 0.05
GROUP_WRITE_UNITS_ALONE = 1.1

# The index of mail, held by tests/integration/aws/test_lake.py: calls and bytes that a message costs which is told of
# once in a batch of a hundred, with merging; the most that a first page fetches in a process that knows nothing.
INDEX_CALLS = 0.05
INDEX_BYTES_SENT = 600
SEARCH_GETS = 60
SEARCH_BYTES = 4_000_000
