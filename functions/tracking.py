"""Opens and clicks: the function behind the track domains.

A pure function behind a function URL, because API Gateway gives a binary answer only to those who ask for its type, and
mail programs ask for any image.
"""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.tracking.visit import Visit
from chalicelib.services.tracking.answer import Answer, Track
from functions.function_url import on_visit

blueprint = Blueprint(__name__)


async def answer(posthorn: Posthorn, visit: Visit) -> Answer:
    """The image, or the way to where a link leads."""
    return await posthorn[Track].answer(visit)


tracking = blueprint.lambda_function(name="tracking")(on_visit("tracking", answer))
