"""What to deploy where, as one value, and what can be seen to be wrong with it without asking the endpoint.

Whatever is wrong becomes `WrongOrder`, one sentence for people. Nothing here reads the command line (infra/options.py
does) or decides which stacks are changed (infra/plan.py does).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.config import Settings, read_settings
from infra.current_state import CERTIFICATES, HOST, Stacks
from infra.package import Package
from infra.targets import AWS, Target, WrongOrder, one_line
from infra.templates import DEFAULT_POOL

# Their defaults are examples; mail that names them would be nobody's.
NEEDED_ON_AWS = (
    "web_hostname",
    "smtp_hostname",
    "return_path_domain",
    "route_domain",
    "spf_include",
)
TRACK_DOMAINS = "TrackDomainNames"
DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Egress:
    """A pool's NAT gateway or egress host: the number of its block in the network (2 to 15), and how many Elastic IPs a
    host has; 0 for a gateway, which has one."""

    block: int
    addresses: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What to deploy where. `settings` are fields of `chalicelib.config.Settings`; `parameters` those of templates.

    `image` is the gateway's; without one there is no gateway. `egress` are the NAT gateways and egress hosts that pools
    send through, by stack, such as `nat-bulk` or `egress-bulk`; hosts run `egress_image`. `unused` names such stacks
    that may stand although no pool uses them any more; `open_tracking` says the like of CloudFront's. `kept` names the
    parameters that nobody requested again; the stacks that they were for may be gone.
    """

    target: Target
    prefix: str
    package: Package
    pools: Sequence[str] = (DEFAULT_POOL,)
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    egress: Mapping[str, Egress] = field(default_factory=dict)
    egress_image: str = ""
    unused: frozenset[str] = frozenset()
    open_tracking: bool = False
    kept: frozenset[str] = frozenset()

    @property
    def hosts(self) -> dict[str, int]:
        """The pools that have an egress host, with the number of its addresses."""
        return {
            part.removeprefix(HOST): one.addresses
            for part, one in self.egress.items()
            if part.startswith(HOST)
        }


def settings_of(values: Mapping[str, str]) -> Settings:
    """What functions read that are given these values; WrongOrder for one that they would refuse."""
    try:
        return read_settings({f"POSTHORN_{name.upper()}": value for name, value in values.items()})
    except ValueError as error:
        raise WrongOrder(one_line(error)) from None


def check_needed(target: Target, settings: Mapping[str, str]) -> None:
    """WrongOrder for a setting that AWS needs and that is neither requested nor known from before."""
    missing = [name for name in NEEDED_ON_AWS if not settings.get(name)]
    if missing and target.kind == AWS:
        raise WrongOrder(
            f"{', '.join(missing)} must be set; say --set {missing[0]}=… or set"
            f" POSTHORN_{missing[0].upper()}"
        )


def check_pairs(parameters: Mapping[str, str]) -> None:
    """WrongOrder for a domain without its certificate, or a certificate without its domain."""
    for pair in CERTIFICATES.items():
        missing = [name for name in pair if not parameters.get(name)]
        if len(missing) == 1:
            raise WrongOrder(
                f"{' and '.join(pair)} need each other; say --parameter {missing[0]}=… too"
            )


def check_gateway(order: Order) -> None:
    """WrongOrder for a gateway without a certificate that mail clients accept, or an image that may become another.

    Emulators run no container, and so ask for neither.
    """
    if order.target.kind != AWS:
        return
    for option, image in (("--gateway", order.image), ("--egress-image", order.egress_image)):
        if image and not DIGEST.fullmatch(image):
            raise WrongOrder(
                f"{option} takes an image by its digest, NAME@sha256:…, which docker push prints;"
                f" {image!r} may be another image tomorrow"
            )
    if order.image and not order.parameters.get("TlsSecretArn"):
        raise WrongOrder(
            "the gateway needs a certificate: say --parameter TlsSecretArn=arn:…, or"
            " TlsSecretArn=self-signed for one that mail servers take and mail clients refuse"
        )


def check_tracking(order: Order, stacks: Stacks) -> None:
    """WrongOrder for track domains without the name that they point to, or that stand and are not spoken of.

    Without CloudFront's stack in the order, the function's URL would open to all behind it.
    """
    stack = f"{order.prefix}-tracking"
    if order.parameters.get(TRACK_DOMAINS):
        if order.target.kind == AWS and not order.settings.get("track_domain"):
            raise WrongOrder(
                "track_domain must be set, the name that customers' track domains point to;"
                " say --set track_domain=…"
            )
    elif stack in stacks and not order.open_tracking:
        raise WrongOrder(
            f"track domains are served by the stack {stack}; say --parameter {TRACK_DOMAINS}=… as"
            f" before, or --parameter {TRACK_DOMAINS}= to open the function's URL to all, until that"
            " stack is removed"
        )
