"""The CloudFormation template declares the tables that the PynamoDB models declare, and passes cfn-lint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from chalicelib.config import Settings
from infra.local.stream import TIMEOUT_SECONDS
from infra.stack import DATA_TEMPLATE, SETTINGS
from infra.templates import load
from tests import item_models as models

if TYPE_CHECKING:
    from pynamodb.models import Model


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node)


_Loader.add_multi_constructor("!", _plain)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template = yaml.load(DATA_TEMPLATE.read_text(), _Loader)  # noqa: S506  # a SafeLoader
    found: dict[str, Any] = template["Resources"]
    return found


def keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {one["KeyType"]: one["AttributeName"] for one in schema}


@pytest.mark.parametrize(
    ("resource", "model"), [("MailTable", models.MailItem), ("ControlTable", models.ControlItem)]
)
def test_tables_have_the_keys_and_indexes_of_their_models(
    resources: dict[str, Any], resource: str, model: type[Model]
) -> None:
    table = resources[resource]["Properties"]
    schema = model._get_schema()
    assert keys(table["KeySchema"]) == keys(schema["key_schema"])
    attributes = {
        one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]
    }
    assert attributes == {
        one["AttributeName"]: one["AttributeType"] for one in schema["attribute_definitions"]
    }
    indexes = {
        one["IndexName"]: (keys(one["KeySchema"]), one["Projection"]["ProjectionType"])
        for one in table.get("GlobalSecondaryIndexes", [])
    }
    assert indexes == {
        one["index_name"]: (keys(one["key_schema"]), one["projection"]["ProjectionType"])
        for one in schema["global_secondary_indexes"]
    }
    ttl = model._ttl_attribute()
    assert ttl is not None
    assert table["TimeToLiveSpecification"] == {"AttributeName": ttl.attr_name, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == model.Meta.billing_mode


def test_all_models_of_a_table_share_its_keys() -> None:
    for model in models.MailItem.__subclasses__():
        schema = model._get_schema()
        assert schema["key_schema"] == models.MailItem._get_schema()["key_schema"]


def test_default_names_are_the_default_settings(resources: dict[str, Any]) -> None:
    named = {
        "control_table": resources["ControlTable"]["Properties"]["TableName"],
        "mail_table": resources["MailTable"]["Properties"]["TableName"],
        "key_alias": resources["KeyAlias"]["Properties"]["AliasName"],
    }
    settings = Settings()
    for field, name in named.items():
        assert name.replace("${Prefix}", "posthorn") == getattr(settings, field)
    assert set(SETTINGS.values()) <= set(Settings.__slots__)


def test_the_stream_carries_both_images(resources: dict[str, Any]) -> None:
    stream = resources["MailTable"]["Properties"]["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_the_stream_s_reader_learns_the_shard_and_keeps_its_order() -> None:
    """Without a window Lambda does not name the shard, and counters of two shards would mix (ADR 19)."""
    outbox = load("functions.merge.yaml")["Resources"]["Outbox"]["Properties"]
    (source,) = (event["Properties"] for event in outbox["Events"].values())
    assert 0 < source["TumblingWindowInSeconds"] <= 900
    assert source["ParallelizationFactor"] == 1
    assert source["MaximumRetryAttempts"] == -1
    assert "DestinationConfig" not in source
    assert len(source["FilterCriteria"]["Filters"]) <= 5  # what Lambda takes
    assert outbox["Timeout"] == TIMEOUT_SECONDS


def test_a_wake_up_outlives_its_worker(resources: dict[str, Any]) -> None:
    queue = resources["DeliverDefault"]["Properties"]
    parameter = load("data.yaml")["Parameters"]["VisibilitySeconds"]
    assert queue["VisibilityTimeout"] == "VisibilitySeconds"
    assert parameter["Default"] == Settings().visibility_seconds
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 20


def test_what_holds_mail_survives_the_stack(resources: dict[str, Any]) -> None:
    for name in ("MailTable", "ControlTable", "MailBucket", "Key"):
        assert resources[name]["DeletionPolicy"] == "Retain"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_template_passes_cfn_lint() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-1", "--", DATA_TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
