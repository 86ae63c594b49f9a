"""The Chalice app with every function, for Chalice to find them when it packages.

No function loads it: each is a module of `functions/`, so that the HTTP API does without what the others import.
"""

from __future__ import annotations

from functions import (
    deadletters,
    deliver,
    incoming,
    index,
    jobs,
    outbox,
    sweep,
    tracking,
    upkeep,
    view,
    webhooks,
)
from functions.api import app

for module in (
    deliver,
    incoming,
    webhooks,
    deadletters,
    index,
    jobs,
    outbox,
    sweep,
    tracking,
    view,
    upkeep,
):
    app.register_blueprint(module.blueprint)
