"""CloudFront in front of the tracking function, when a deployment names track domains of its customers.

The parameters TrackDomainNames and TrackCertificateArn ask for it. Without them the function's URL is open to all and
speaks HTTPS under a name of Amazon's, which is enough to try tracking out behind a proxy of one's own.
"""

from __future__ import annotations

from infra.order import Order
from infra.targets import AWS, WrongOrder
from infra.templates import Template, load

NAMES, CERTIFICATE = "TrackDomainNames", "TrackCertificateArn"


def check(order: Order) -> None:
    """WrongOrder, before anything is made, for one without the other, or without a name that customers can point to."""
    names, certificate = order.parameters.get(NAMES), order.parameters.get(CERTIFICATE)
    if not names and not certificate:
        return
    if not names or not certificate:
        missing = CERTIFICATE if names else NAMES
        raise WrongOrder(f"track domains need both; say --parameter {missing}=… too")
    if order.target.kind == AWS and not order.settings.get("track_domain"):
        raise WrongOrder(
            "track_domain must be set, the name that customers' track domains point to;"
            " say --set track_domain=…"
        )


def templates_of(order: Order) -> dict[str, Template]:
    """The stack to be made after the functions, if any."""
    return {"tracking": load("tracking.yaml")} if order.parameters.get(NAMES) else {}
