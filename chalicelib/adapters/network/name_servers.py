"""The `NameServers` port: questions that no cache answers, to the server in the settings or the system's resolvers."""

from __future__ import annotations

from chalicelib.adapters.network.dns_client import DnsClient, NoAnswer, server_of, system_servers
from chalicelib.adapters.network.resolver import TRIES, TRY_SECONDS, ascii_name, no_answer_for
from chalicelib.config import Settings
from chalicelib.domain.dns.message import BadName, Value, question_of
from chalicelib.ports.name_servers import NameServers


class DnsNameServers(NameServers):
    """What `settings.dns_server` ("host:port") publishes, or else what the system's resolvers say."""

    def __init__(self, settings: Settings) -> None:
        servers = [server_of(settings.dns_server)] if settings.dns_server else system_servers()
        self._client = DnsClient(servers, TRY_SECONDS, TRIES)

    async def published(self, name: str, kind: str) -> tuple[str, ...]:
        """See `chalicelib.ports.name_servers.NameServers.published`."""
        try:
            question = question_of(ascii_name(name), kind)
        except BadName:
            return ()
        try:
            answer = await self._client.ask(question)
        except NoAnswer:
            raise no_answer_for(name) from None
        return tuple(map(as_text, answer.values))


def as_text(value: Value) -> str:
    """A value as a zone file has it: an MX as `10 mx.example.com`, its preference first."""
    return value if isinstance(value, str) else f"{value[0]} {value[1] or '.'}"
