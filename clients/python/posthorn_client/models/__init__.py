"""The JSON objects of the API, as types.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from posthorn_client.models.audit import *
from posthorn_client.models.credentials import *
from posthorn_client.models.domains import *
from posthorn_client.models.email_changes import *
from posthorn_client.models.emails import *
from posthorn_client.models.emails_parts import *
from posthorn_client.models.emails_verbs import *
from posthorn_client.models.emails_wholes import *
from posthorn_client.models.endpoints import *
from posthorn_client.models.events import *
from posthorn_client.models.installation import *
from posthorn_client.models.invitations import *
from posthorn_client.models.jobs import *
from posthorn_client.models.keys import *
from posthorn_client.models.me import *
from posthorn_client.models.members import *
from posthorn_client.models.organizations import *
from posthorn_client.models.overview import *
from posthorn_client.models.password_resets import *
from posthorn_client.models.pool_rules import *
from posthorn_client.models.pools import *
from posthorn_client.models.queue import *
from posthorn_client.models.reports import *
from posthorn_client.models.routes import *
from posthorn_client.models.searches import *
from posthorn_client.models.servers import *
from posthorn_client.models.servers_parts import *
from posthorn_client.models.session import *
from posthorn_client.models.sessions import *
from posthorn_client.models.sources import *
from posthorn_client.models.statistics import *
from posthorn_client.models.streams import *
from posthorn_client.models.suppressions import *
from posthorn_client.models.track_domains import *
from posthorn_client.models.uploads import *
from posthorn_client.models.users import *
from posthorn_client.models.webhook_deliveries import *
from posthorn_client.models.webhooks import *
