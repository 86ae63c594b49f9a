"""DynamoDB and its streams at another endpoint: `PROVIDER_OVERRIDE_DYNAMODB=elsewhere`, `DYNAMODB_ELSEWHERE_URL`.

LocalStack's own provider wants a Java program that it downloads at its first call. This one sends every call, those of
CloudFormation included, to whatever speaks DynamoDB at the URL, with the stack's key in place of the caller's.
"""

from __future__ import annotations

import os
from typing import Any

from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.aws.forwarder import ForwardingFallbackDispatcher, get_request_forwarder_http
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider

from posthorn_localstack.guarded import stack_keys

URL = "DYNAMODB_ELSEWHERE_URL"


class Tables(DynamodbApi, ServiceLifecycleHook):
    """Implements nothing, so that everything is forwarded."""


class Streams(DynamodbstreamsApi, ServiceLifecycleHook):
    """Implements nothing, so that everything is forwarded."""


def forwarding(provider: Tables | Streams) -> Service:
    """The provider as a service of LocalStack."""

    def url_of(_account: str, _region: str) -> str:
        return os.environ[URL]

    forward = get_request_forwarder_http(url_of)

    def with_our_key(context: Any, request: Any = None) -> Any:
        scope = f"20000101/{context.region}/{context.service.service_name}/aws4_request"
        signed = f"Credential={stack_keys().access_key_id}/{scope}, SignedHeaders=host, Signature=0"
        context.request.headers["Authorization"] = f"AWS4-HMAC-SHA256 {signed}"
        return forward(context, request)

    def table_of(each: Tables | Streams) -> object:
        return ForwardingFallbackDispatcher(each, with_our_key)

    return Service.for_provider(provider, dispatch_table_factory=table_of)


@aws_provider(api="dynamodb", name="elsewhere")
def tables() -> Service:
    return forwarding(Tables())


@aws_provider(api="dynamodbstreams", name="elsewhere")
def streams() -> Service:
    return forwarding(Streams())
