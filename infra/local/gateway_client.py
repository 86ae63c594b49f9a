"""SMTP to the gateway of the local stack, with the PROXY header in front that it asks of loopback where it is set so.

Standard library only, like who uses it.
"""

from __future__ import annotations

import ipaddress
import os
import smtplib
import socket

VARIABLE = "POSTHORN_PROXY_NETWORKS"
OURSELVES = b"PROXY UNKNOWN\r\n"  # the address of the connection is the client's


class GatewayClient(smtplib.SMTP):
    """As in the standard library."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # typeshed lacks it
        if must_say_who(host, os.environ.get(VARIABLE, "")):
            opened.sendall(OURSELVES)
        return opened


def must_say_who(host: str, networks: str) -> bool:
    """Whether connections from this address must begin with a PROXY header; what is no network is the gateway's to
    refuse."""
    for text in filter(None, map(str.strip, networks.split(","))):
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(text, strict=False):
                return True
        except ValueError:
            continue
    return False
