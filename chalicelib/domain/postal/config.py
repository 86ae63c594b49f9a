"""`postal.yml` as far as it says how mail finds its way: names, prefixes and switches, with Postal's own defaults.

Files of version 2, and of version 1 where that has other names (contract section 10). What is no table, list or text
where one belongs counts as not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Names:
    """The names that stand in addresses and records: of Postal, or of ours."""

    web_hostname: str
    smtp_hostname: str
    route_domain: str
    return_path_domain: str
    track_domain: str
    prefix: str
    dkim_identifier: str
    spf_include: str
    mx: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostalConfig:
    """What an import takes from the file."""

    names: Names
    use_ip_pools: bool = False
    maximum_attempts: int = 18
    hold_days: int = 7
    suppression_days: int = 30
    max_message_megabytes: int = 14
    smtp_relays: tuple[str, ...] = ()
    database: str = "postal"
    password: str = ""
    prefix: str = "postal"
    message_host: str = ""


def read_config(given: Any) -> PostalConfig:
    """The configuration of a parsed file."""
    root = _table(given)
    postal, dns, smtp = (_table(root.get(name)) for name in ("postal", "dns", "smtp_server"))
    old, web = _table(root.get("general")), _table(root.get("web"))
    main, message = _table(root.get("main_db")), _table(root.get("message_db"))
    postal = {**old, **postal}
    host = _text(postal, "web_hostname") or _text(web, "host") or "postal.example.com"
    smtp_name = _text(postal, "smtp_hostname") or _text(dns, "smtp_server_hostname")
    names = Names(
        web_hostname=host,
        smtp_hostname=smtp_name or "postal.example.com",
        route_domain=_text(dns, "route_domain") or "routes.postal.example.com",
        return_path_domain=_text(dns, "return_path_domain")
        or _text(dns, "return_path")
        or "rp.postal.example.com",
        track_domain=_text(dns, "track_domain") or "track.postal.example.com",
        prefix=_text(dns, "custom_return_path_prefix") or "psrp",
        dkim_identifier=_text(dns, "dkim_identifier") or "postal",
        spf_include=_text(dns, "spf_include") or "spf.postal.example.com",
        mx=_texts(dns, "mx_records") or ("mx1.postal.example.com", "mx2.postal.example.com"),
    )
    return PostalConfig(
        names=names,
        use_ip_pools=postal.get("use_ip_pools") is True,
        maximum_attempts=_number(postal, "default_maximum_delivery_attempts", 18),
        hold_days=_number(postal, "default_maximum_hold_expiry_days", 7),
        suppression_days=_number(postal, "default_suppression_list_automatic_removal_days", 30),
        max_message_megabytes=_number(smtp, "max_message_size", 14),
        smtp_relays=_texts(postal, "smtp_relays"),
        database=_text(main, "database") or "postal",
        password=_text(main, "password"),
        prefix=_text(message, "database_name_prefix") or _text(message, "prefix") or "postal",
        message_host=_text(message, "host"),
    )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    return str(value).strip() if isinstance(value, str | int) else ""


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = table.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _number(table: Mapping[str, Any], name: str, usual: int) -> int:
    value = table.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else usual
