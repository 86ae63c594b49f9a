"""What API Gateway answers by itself, as CloudFormation has it; the texts are `chalicelib.api.v2.gateway_responses`'s.

AWS reads the answers from the API's definition, which is deployed as a whole. The emulators read no answers from
there, and take them as resources; on AWS resources may be made after the deployment that they are meant for, and then
have no effect. So the template has both, the resources under a condition that holds on emulators only.
"""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.gateway_responses import TURNED_AWAY, answer_of
from infra.templates import Template

EXTENSION = "x-amazon-apigateway-gateway-responses"
CONDITION = "AnswersAreResources"
API = "RestAPI"
# ministack deploys an API in the order of names, so these come before the API's deployment.
PREFIX = "ApiAnswer"
# API Gateway takes this template whatever the client accepts; the header says what it is.
_TEMPLATE_OF = "application/json"


def with_answers(template: Template) -> Template:
    """The functions template with every answer of API Gateway's own in it."""
    properties = template["Resources"][API]["Properties"]
    body = properties["DefinitionBody"] | {
        EXTENSION: {kind: _defined(kind) for kind in TURNED_AWAY}
    }
    api = template["Resources"][API] | {"Properties": properties | {"DefinitionBody": body}}
    apart = {PREFIX + kind.title().replace("_", ""): _resource(kind) for kind in TURNED_AWAY}
    return template | {"Resources": template["Resources"] | {API: api} | apart}


def _defined(kind: str) -> dict[str, Any]:
    answer = answer_of(kind)
    headers = {
        f"gatewayresponse.header.{name}": f"'{text}'" for name, text in answer.headers.items()
    }
    status = {} if answer.status is None else {"statusCode": str(answer.status)}
    return {
        **status,
        "responseParameters": headers,
        "responseTemplates": {_TEMPLATE_OF: answer.body},
    }


def _resource(kind: str) -> dict[str, Any]:
    properties = {name[0].upper() + name[1:]: value for name, value in _defined(kind).items()}
    return {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Condition": CONDITION,
        "Properties": {"RestApiId": {"Ref": API}, "ResponseType": kind, **properties},
    }
