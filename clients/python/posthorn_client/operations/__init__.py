"""All operations of the API.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from posthorn_client.operations.audit import AuditOperations
from posthorn_client.operations.credentials import CredentialsOperations
from posthorn_client.operations.domains import DomainsOperations
from posthorn_client.operations.email_changes import EmailChangesOperations
from posthorn_client.operations.emails import EmailsOperations
from posthorn_client.operations.emails_verbs import EmailsVerbsOperations
from posthorn_client.operations.endpoints import EndpointsOperations
from posthorn_client.operations.events import EventsOperations
from posthorn_client.operations.health import HealthOperations
from posthorn_client.operations.installation import InstallationOperations
from posthorn_client.operations.invitations import InvitationsOperations
from posthorn_client.operations.jobs import JobsOperations
from posthorn_client.operations.keys import KeysOperations
from posthorn_client.operations.me import MeOperations
from posthorn_client.operations.members import MembersOperations
from posthorn_client.operations.metrics import MetricsOperations
from posthorn_client.operations.openapi import OpenapiOperations
from posthorn_client.operations.organizations import OrganizationsOperations
from posthorn_client.operations.overview import OverviewOperations
from posthorn_client.operations.password_resets import PasswordResetsOperations
from posthorn_client.operations.pool_rules import PoolRulesOperations
from posthorn_client.operations.pools import PoolsOperations
from posthorn_client.operations.queue import QueueOperations
from posthorn_client.operations.reports import ReportsOperations
from posthorn_client.operations.routes import RoutesOperations
from posthorn_client.operations.searches import SearchesOperations
from posthorn_client.operations.servers import ServersOperations
from posthorn_client.operations.session import SessionOperations
from posthorn_client.operations.sessions import SessionsOperations
from posthorn_client.operations.sources import SourcesOperations
from posthorn_client.operations.statistics import StatisticsOperations
from posthorn_client.operations.streams import StreamsOperations
from posthorn_client.operations.suppressions import SuppressionsOperations
from posthorn_client.operations.track_domains import TrackDomainsOperations
from posthorn_client.operations.uploads import UploadsOperations
from posthorn_client.operations.users import UsersOperations
from posthorn_client.operations.webhook_deliveries import WebhookDeliveriesOperations
from posthorn_client.operations.webhooks import WebhooksOperations
from posthorn_client.operations.well_known import WellKnownOperations


class Operations(
    AuditOperations,
    CredentialsOperations,
    DomainsOperations,
    EmailChangesOperations,
    EmailsOperations,
    EmailsVerbsOperations,
    EndpointsOperations,
    EventsOperations,
    HealthOperations,
    InstallationOperations,
    InvitationsOperations,
    JobsOperations,
    KeysOperations,
    MeOperations,
    MembersOperations,
    MetricsOperations,
    OpenapiOperations,
    OrganizationsOperations,
    OverviewOperations,
    PasswordResetsOperations,
    PoolRulesOperations,
    PoolsOperations,
    QueueOperations,
    ReportsOperations,
    RoutesOperations,
    SearchesOperations,
    ServersOperations,
    SessionOperations,
    SessionsOperations,
    SourcesOperations,
    StatisticsOperations,
    StreamsOperations,
    SuppressionsOperations,
    TrackDomainsOperations,
    UploadsOperations,
    UsersOperations,
    WebhookDeliveriesOperations,
    WebhooksOperations,
    WellKnownOperations,
):
    """All operations of the API."""
