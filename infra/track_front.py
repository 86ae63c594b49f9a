"""CloudFront in front of the tracking function, when a deployment names track domains of its customers.

The parameters TrackDomainNames and TrackCertificateArn ask for it. Without them the function's URL is open to all and
speaks HTTPS under a name of Amazon's, which is enough to try tracking out behind a proxy of one's own.
"""

from __future__ import annotations

from infra.order import Order
from infra.standing import CERTIFICATES
from infra.targets import AWS, WrongOrder, stacks_of
from infra.templates import Template, load

PART, NAMES = "tracking", "TrackDomainNames"
CERTIFICATE = CERTIFICATES[NAMES]


def check(order: Order) -> None:
    """WrongOrder, before anything is made, for track domains that lack something, or that stand and are not spoken of.

    Without CloudFront's stack in the order, the function's URL would open to all behind it.
    """
    if not order.parameters.get(NAMES):
        _check_unused(order)
        return
    if order.target.kind == AWS and not order.settings.get("track_domain"):
        raise WrongOrder(
            "track_domain must be set, the name that customers' track domains point to;"
            " say --set track_domain=…"
        )


def _check_unused(order: Order) -> None:
    stack = f"{order.prefix}-{PART}"
    if not order.open_tracking and stack in stacks_of(order.target, order.prefix):
        raise WrongOrder(
            f"track domains are served by the stack {stack}; say --parameter {NAMES}=… as before, or"
            f" --parameter {NAMES}= to open the function's URL to all, until that stack is removed"
        )


def templates_of(order: Order) -> dict[str, Template]:
    """The stack to be made after the functions, if any."""
    return {PART: load("tracking.yaml")} if order.parameters.get(NAMES) else {}
