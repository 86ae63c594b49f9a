"""Which types API Gateway hands on as bytes, both ways: those of the app, and what browsers accept first.

API Gateway turns a function's base64 into bytes when the first type of the request's `Accept` is one of these, and no
browser that follows a link names the type of a download first: all begin with text/html. The app's own list has not
that type, so pages go out as the text that they are.
"""

from __future__ import annotations

from infra.gateway_responses import API
from infra.templates import Template

EXTENSION = "x-amazon-apigateway-binary-media-types"
ACCEPTED_FIRST = "text/html"


def with_downloads(template: Template) -> Template:
    """The functions template with the types, in the API's definition and, for emulators that do not read them there,
    beside it."""
    properties = template["Resources"][API]["Properties"]
    types = [*properties["DefinitionBody"][EXTENSION], ACCEPTED_FIRST]
    body = properties["DefinitionBody"] | {EXTENSION: types}
    more = {"DefinitionBody": body, "BinaryMediaTypes": types}
    api = template["Resources"][API] | {"Properties": properties | more}
    return template | {"Resources": template["Resources"] | {API: api}}
