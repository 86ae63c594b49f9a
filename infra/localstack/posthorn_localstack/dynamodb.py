"""DynamoDB and its streams at another endpoint: `PROVIDER_OVERRIDE_DYNAMODB=elsewhere`, `DYNAMODB_ELSEWHERE_URL`.

LocalStack's own provider wants a Java program that it downloads at its first call. This one sends every call, those of
CloudFormation included, to whatever speaks DynamoDB at the URL, and adds nothing of its own.
"""

from __future__ import annotations

import os

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.aws.forwarder import HttpFallbackDispatcher
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider

URL = "DYNAMODB_ELSEWHERE_URL"


class Tables(DynamodbApi, ServiceLifecycleHook):
    """Implements nothing, so that everything is forwarded."""


class Streams(DynamodbstreamsApi, ServiceLifecycleHook):
    """Implements nothing, so that everything is forwarded."""


def forwarding(provider: Tables | Streams) -> Service:
    """The provider as a service of LocalStack."""

    def url_of(_account: str, _region: str) -> str:
        return os.environ[URL]

    def table_of(each: Tables | Streams) -> object:
        return HttpFallbackDispatcher(each, url_of)

    return Service.for_provider(provider, dispatch_table_factory=table_of)


@aws_provider(api="dynamodb", name="elsewhere")
def tables() -> Service:
    return forwarding(Tables())


@aws_provider(api="dynamodbstreams", name="elsewhere")
def streams() -> Service:
    return forwarding(Streams())
