"""Teaches moto's CloudFormation what it can do by call only: secrets, and tags and associations of Elastic IPs.

`import tests.deploy.moto_additions` before a template that has them is deployed. What moto still lacks is alarms, which
it leaves out, and an interface's list of private addresses, in whose place it draws one.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.kms.models import Key
from moto.secretsmanager.models import secretsmanager_backends


class _Added:
    """A resource that is known by its physical id alone. (Moto finds the direct subclasses of its own model.)"""

    def __init__(self, physical_id: str) -> None:
        self.physical_id = physical_id

    @property
    def physical_resource_id(self) -> str:
        return self.physical_id

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""


class EipAssociation(_Added, CloudFormationModel):
    """Its physical id is `allocation/private address`."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::EC2::EIPAssociation"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account: str, region: str, **_: Any
    ) -> EipAssociation:
        wanted, backend = cloudformation_json["Properties"], ec2_backends[account][region]
        (address,) = backend.address_by_allocation([wanted["AllocationId"]])
        address.eni = backend.get_network_interface(wanted["NetworkInterfaceId"])
        return cls(f"{wanted['AllocationId']}/{wanted['PrivateIpAddress']}")

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account: str, region: str
    ) -> None:
        for address in ec2_backends[account][region].addresses:
            if address.allocation_id == resource_name.partition("/")[0]:
                address.eni = None


class Secret(_Added, CloudFormationModel):
    """A secret with a generated string."""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account: str, region: str, **_: Any
    ) -> Secret:
        made = cloudformation_json["Properties"]["GenerateSecretString"]
        assert made["ExcludePunctuation"] in (True, "true")
        text = secrets.token_hex(int(made["PasswordLength"]) // 2)
        answer = secretsmanager_backends[account][region].create_secret(
            name=f"{resource_name}-{secrets.token_hex(4)}",
            secret_string=text,
            secret_binary=None,
            description=None,
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(answer)["ARN"])

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account: str, region: str
    ) -> None:
        secretsmanager_backends[account][region].delete_secret(resource_name, None, True)


_create_address = ElasticAddress.create_from_cloudformation_json


def _create_with_tags(
    resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
) -> ElasticAddress:
    made = _create_address(resource_name, cloudformation_json, account_id, region_name, **more)
    tags = cloudformation_json.get("Properties", {}).get("Tags", [])
    made.add_tags({one["Key"]: one["Value"] for one in tags})
    return made


ElasticAddress.create_from_cloudformation_json = _create_with_tags  # type: ignore[method-assign]  # it leaves tags out


_create_key = Key.create_from_cloudformation_json


def _create_with_its_tags(
    resource_name: str, cloudformation_json: Any, *where: str, **more: Any
) -> Key:
    wanted = dict(cloudformation_json["Properties"])
    # CloudFormation writes a key's tags as it writes all tags, KMS in its own way; moto hands on the one as the other.
    wanted["Tags"] = [
        {"TagKey": one["Key"], "TagValue": one["Value"]} for one in wanted.get("Tags", [])
    ]
    return _create_key(resource_name, {**cloudformation_json, "Properties": wanted}, *where, **more)


Key.create_from_cloudformation_json = _create_with_its_tags  # type: ignore[method-assign]  # as the comment says
