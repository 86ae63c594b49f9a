"""Every route by which an installation is managed, played once to its good end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.bootstrap import run
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.webhooks.delivery import WebhookAttempt
from chalicelib.ports.reports import Reports
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from tests.fakes import NOW, a_report
from tests.http_api import ApiWorld, Reply
from tests.listed import list_new
from tests.managed_people import people
from tests.people import Visitor
from tests.webhook_events import a_delivery


def _webhooks(api: ApiWorld, asked: Any) -> None:
    """Those of webhooks, with one delivery, which nobody makes by the API."""
    webhooks, deliveries, tenant = "/webhooks", "/webhook-deliveries", "other/mail"
    made = {"url": "https://app.example/hook", "events": ["email.bounced"]}
    one = asked("POST", webhooks, webhooks, made, tenant).json["id"]
    asked("GET", webhooks, webhooks, tenant=tenant)
    at, named = f"{webhooks}/{one}", "/webhooks/{id}"
    asked("GET", named, at, tenant=tenant)
    asked("PATCH", named, at, {"timeout": 30}, tenant)
    for verb in ("test", "enable", "rotate"):
        asked("POST", f"{named}/{verb}", f"{at}/{verb}", tenant=tenant)
    server = asked("GET", "/servers/{organization}/{server}", f"/servers/{tenant}").json["id"]
    delivery = a_delivery(server, 1, webhook=one).attempted(WebhookAttempt(NOW, 500))
    run(api.scene.posthorn[WebhookDeliveries].add([delivery]))
    asked("GET", deliveries, f"{deliveries}?status=waiting", tenant=tenant)
    at, named = f"{deliveries}/{delivery.id}", "/webhook-deliveries/{id}"
    asked("GET", named, at, tenant=tenant)
    asked("POST", f"{named}/replay", f"{at}/replay", {"url": "https://b.example/"}, tenant)
    asked("DELETE", "/webhooks/{id}", f"{webhooks}/{one}", tenant=tenant)


def managed(api: ApiWorld) -> Iterator[tuple[str, str, Reply]]:
    """The path of each route, its method, and what it answered."""

    def asked(
        method: str,
        path: str,
        at: str,
        value: Any = None,
        tenant: str = "",
        who: Visitor | None = None,
        **headers: str,
    ) -> Reply:
        ask = api.manage if who is None else who.ask
        reply = ask(method, at, value, tenant, **headers)
        found.append((path, method.lower(), reply))
        return reply

    found: list[tuple[str, str, Reply]] = []
    one, server = "/organizations/{organization}", "/servers/{organization}/{server}"
    asked("POST", "/organizations", "/organizations", {"name": "Other"})
    asked("POST", "/organizations", "/organizations", {"name": "Other", "permalink": "other"})
    asked("GET", "/organizations", "/organizations?limit=1")
    asked("GET", one, "/organizations/other")
    asked("PATCH", one, "/organizations/other", {"name": "Others"})
    asked("POST", f"{one}/suspend", "/organizations/other/suspend", {"reason": "asked"})
    asked("POST", f"{one}/unsuspend", "/organizations/other/unsuspend")
    asked("POST", "/servers", "/servers", {"organization": "other", "name": "Mail"})
    asked("GET", "/servers", "/servers")
    asked("GET", server, "/servers/other/mail")
    asked("PATCH", server, "/servers/other/mail", {"mode": "Development", "send_limit": 5})
    asked("POST", f"{server}/suspend", "/servers/other/mail/suspend", {"reason": "asked"})
    asked("POST", f"{server}/unsuspend", "/servers/other/mail/unsuspend")
    wanted = {"name": "k", "scopes": ["*"]}
    key = asked("POST", "/keys", "/keys", wanted, "other", idempotency_key="one").json["id"]
    asked("GET", "/keys", "/keys", tenant="other")
    asked("GET", "/keys/{id}", f"/keys/{key}", tenant="other")
    asked("PATCH", "/keys/{id}", f"/keys/{key}", {"networks": ["192.0.2.0/24"]}, "other")
    asked("DELETE", "/keys/{id}", f"/keys/{key}", tenant="other")
    asked("GET", "/keys/{id}", f"/keys/{key}", tenant="other")
    made = {"kind": "API", "name": "n"}
    made_at = asked("POST", "/credentials", "/credentials", made, "other/mail").json["id"]
    asked("GET", "/credentials", "/credentials", tenant="other/mail")
    for method, value in (("GET", None), ("PATCH", {"hold": True}), ("DELETE", None)):
        asked(method, "/credentials/{id}", f"/credentials/{made_at}", value, "other/mail")
    domain, domain_at = "/domains/{name}", "/domains/other.example"
    made = {"name": "other.example", "verification_method": "Email"}
    asked("POST", "/domains", "/domains", made, "other/mail")
    asked("GET", "/domains", "/domains", tenant="other/mail")
    asked("GET", domain, domain_at, tenant="other/mail")
    asked("PATCH", domain, domain_at, {"incoming": True}, "other/mail")
    asked("POST", f"{domain}/trust", f"{domain_at}/trust", tenant="other/mail")
    proof = {"send_to": "postmaster@other.example"}
    asked("POST", f"{domain}/verify", f"{domain_at}/verify", proof, "other/mail")
    asked("POST", f"{domain}/rotate", f"{domain_at}/rotate", tenant="other/mail")
    track, track_at = "/track-domains/{name}", "/track-domains/track.other.example"
    asked("POST", "/track-domains", "/track-domains", {"domain": "other.example"}, "other/mail")
    asked("GET", "/track-domains", "/track-domains", tenant="other/mail")
    asked("GET", track, track_at, tenant="other/mail")
    asked("PATCH", track, track_at, {"track_clicks": False}, "other/mail")
    asked("POST", f"{track}/check", f"{track_at}/check", tenant="other/mail")
    asked("DELETE", track, track_at, tenant="other/mail")
    endpoints, mail_routes = "/endpoints", "/routes"
    made = {"type": "http", "name": "web", "url": "https://app.example/mail"}
    end = asked("POST", endpoints, endpoints, made, "other/mail").json["id"]
    at, named = f"{endpoints}/{end}", "/endpoints/{id}"
    asked("GET", endpoints, endpoints, tenant="other/mail")
    asked("GET", named, at, tenant="other/mail")
    asked("PATCH", named, at, {"timeout": 30}, "other/mail")
    asked("POST", f"{named}/test", f"{at}/test", tenant="other/mail")
    asked("POST", f"{named}/enable", f"{at}/enable", tenant="other/mail")
    asked("POST", f"{named}/rotate", f"{at}/rotate", tenant="other/mail")
    made = {"name": "support", "domain": "other.example", "endpoint": end}
    way = asked("POST", mail_routes, mail_routes, made, "other/mail").json["id"]
    asked("GET", mail_routes, mail_routes, tenant="other/mail")
    one_way, way_at = "/routes/{id}", f"{mail_routes}/{way}"
    asked("GET", one_way, way_at, tenant="other/mail")
    asked("PATCH", one_way, way_at, {"mode": "Hold"}, "other/mail")
    wanted = {"to": "support@other.example", "from": "joe@example.com", "subject": "Hello"}
    asked("POST", "/routes/match", "/routes/match", wanted, "other/mail")
    wanted = {"from": "joe@example.com", "subject": "Hello", "text": "It comes in."}
    asked("POST", f"{one_way}/simulate", f"{way_at}/simulate", wanted, "other/mail")
    asked("DELETE", one_way, way_at, tenant="other/mail")
    asked("DELETE", named, at, tenant="other/mail")
    _webhooks(api, asked)
    asked("POST", f"{domain}/check", f"{domain_at}/check", tenant="other/mail")
    asked("DELETE", domain, domain_at, tenant="other/mail")
    source = {"name": "one", "kind": "smarthost", "host": "smtp.example.com"}
    asked("POST", "/sources", "/sources", source)
    asked("GET", "/sources", "/sources")
    asked("GET", "/pools", "/pools")
    at, named = "/sources/one", "/sources/{name}"
    asked("PATCH", named, at, {"username": "u", "password": "p", "priority": 5})
    asked("POST", f"{named}/suspend", f"{at}/suspend", {"seconds": 60})
    asked("POST", f"{named}/resume", f"{at}/resume")
    asked("GET", named, f"{at}?pool=default")
    asked("DELETE", named, at)
    asked("PATCH", "/pools/{name}", "/pools/default", {"default": True, "organizations": None})
    asked("PATCH", one, "/organizations/other", {"pools": ["default"], "time_zone": "Asia/Tokyo"})
    rules, rule = "/pool-rules", {"from": ["a@b.test"], "pool": "default"}
    made_at = asked("POST", rules, rules, rule, "other").json["id"]
    asked("GET", rules, rules, tenant="other/mail")
    asked("GET", f"{rules}/{{id}}", f"{rules}/{made_at}", tenant="other")
    asked("PATCH", f"{rules}/{{id}}", f"{rules}/{made_at}", {"to": ["c.test"]}, "other")
    asked("DELETE", f"{rules}/{{id}}", f"{rules}/{made_at}", tenant="other")
    made = {"name": "news", "type": "broadcast"}
    asked("POST", "/streams", "/streams", made, "other/mail")
    asked("GET", "/streams", "/streams", tenant="other/mail")
    for method, value in (("GET", None), ("PATCH", {"unsubscribe": False}), ("DELETE", None)):
        asked(method, "/streams/{name}", "/streams/news", value, "other/mail")
    for wrong in ("", "?confirm=other%2Fmail"):
        asked("DELETE", server, f"/servers/other/mail{wrong}")
    asked("DELETE", server, "/servers/other/mail?confirm=mail")
    asked("DELETE", one, "/organizations/other")
    asked("DELETE", one, "/organizations/other?confirm=other")
    asked("GET", "/audit", "/audit")
    mail = {"from": "app@acme.test", "to": "x@example.com", "text": "x"}
    attached = mail | {"attachments": [{"filename": "a.txt", "content": "eA=="}]}
    number = api.v2("POST", "/emails", attached).json["id"]
    asked("POST", "/emails/test", "/emails/test", tenant="acme/app")
    later = mail | {"scheduled_at": "2027-01-20T00:00:00Z"}
    made_at = api.v2("POST", "/emails", later).json["id"]
    named, at = "/emails/{id}", f"/emails/{made_at}"
    asked("PATCH", named, at, {"scheduled_at": None}, "acme/app")
    asked("PATCH", named, at, {"scheduled_at": "soon"}, "acme/app")
    within = "/emails/{id}/attachments/{index}"
    asked("GET", "/emails/{id}/content", f"/emails/{number}/content", tenant="acme/app")
    file = f"/emails/{number}/attachments/0"
    asked("GET", within, file, tenant="acme/app", accept="application/octet-stream")
    asked("GET", within, file, tenant="acme/app", accept="image/png")
    asked("GET", within, f"/emails/{number}/attachments/1", tenant="acme/app")
    verbs = ("hold", "release", "cancel", "replay", "resend"), ("hold", "bounce", "retry")
    for some in verbs:
        number = api.v2("POST", "/emails", mail).json["id"]
        for verb in some:
            value = {"release": {"allow": True}, "replay": {}}.get(verb)
            path, at = f"/emails/{{id}}/{verb}", f"/emails/{number}/{verb}"
            asked("POST", path, at, value, "acme/app")
    asked("GET", "/queue", "/queue?status=held", tenant="acme/app")
    asked("GET", "/overview", "/overview", tenant="acme/app")
    one = "/servers/{organization}/{server}/retention"
    asked("GET", one, "/servers/acme/app/retention?raw_message_retention_days=0")
    asked("GET", "/statistics/causes", "/statistics/causes", tenant="acme/app")
    asked("PATCH", "/installation", "/installation", {"notice": "Hello"})
    report = a_report(1, MessageId(1), MessageId(2))
    run(api.scene.posthorn[Reports].add(api.scene.server.id, report))
    entry = Suppression("bob@example.com", "bounced", NOW, NOW * 2, MessageId(1), 1)
    run(list_new(api.scene.posthorn[SuppressionList], api.scene.server.id, [entry]))
    listed = "/suppressions"
    asked("GET", listed, listed, tenant="acme/app")
    asked("GET", f"{listed}/counts", f"{listed}/counts", tenant="acme/app")
    asked("GET", f"{listed}/{{address}}", f"{listed}/bob@example.com", tenant="acme/app")
    asked("GET", "/jobs", "/jobs", tenant="acme/app")
    export = {"type": "export", "what": "suppressions"}
    number = asked("POST", "/jobs", "/jobs", export, "acme/app").json["id"]
    asked("GET", "/jobs/{id}", f"/jobs/{number}", tenant="acme/app")
    asked("POST", "/jobs/{id}/stop", f"/jobs/{number}/stop", tenant="acme/app")
    asked("POST", listed, listed, {"address": "*@example.net", "note": "gone"}, "acme")
    asked("DELETE", f"{listed}/{{address}}", f"{listed}/*@example.net", tenant="acme")
    asked("GET", "/reports", "/reports", tenant="acme/app")
    asked("GET", "/reports/{id}", "/reports/1", tenant="acme/app")
    asked("GET", "/events", "/events", tenant="acme/app")
    of_installation = ("/installation", "/installation/checks", "/installation/operations")
    for path in (*of_installation, "/health", "/metrics"):
        asked("GET", path, path)
    people(api, asked)
    yield from found
