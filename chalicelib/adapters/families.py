"""Which adapter stands for which port, in each family of adapters: the one place that names them.

A row is a port, as its place under `chalicelib.ports`, and the class that stands for it in each family, as its place
under `chalicelib.adapters`: text, so that a process loads no more than what it asks for. A new port is a row, a new
family a column.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_TABLE = """
port                         aws                                           sqlite

backends.Backends            aws.backends.AwsBackends                      sqlite.backends.SqliteBackends
blobs.BlobStore              aws.s3.S3BlobStore                            sqlite.blobs.SegmentBlobStore
clock.Clock                  system.clock.SystemClock                      system.clock.SystemClock
egress.Egress                network.egress.NetworkEgress                  network.egress.NetworkEgress
engagement.Engagement        aws.dynamo.engagement.DynamoEngagement        sqlite.engagement.SqliteEngagement
event_log.EventLog           aws.dynamo.event_log.DynamoEventLog           sqlite.event_log.SqliteEventLog
happenings.Happenings        aws.dynamo.happenings.DynamoHappenings        sqlite.happenings.SqliteHappenings
contents.Contents            aws.dynamo.contents.S3Contents                sqlite.contents.SegmentContents
progress.Progress            aws.dynamo.progress.DynamoProgress            sqlite.progress.SqliteProgress
old_mail.OldMail             aws.dynamo.old_mail.DynamoOldMail             sqlite.old_mail.SqliteOldMail
traces.Traces                aws.dynamo.traces.DynamoTraces                sqlite.traces.SqliteTraces
group_counts.GroupCounts     aws.dynamo.group_counts.DynamoGroupCounts     sqlite.group_counts.SqliteGroupCounts
http_client.HttpClient       network.http_client.H11HttpClient             network.http_client.H11HttpClient
foreign_passwords.ForeignPasswords crypto.foreign_passwords.BcryptPasswords crypto.foreign_passwords.BcryptPasswords
greylist.Greylist            aws.dynamo.greylist.DynamoGreylist            sqlite.greylist.SqliteGreylist
idempotency.IdempotencyKeys  aws.dynamo.idempotency.DynamoIdempotencyKeys  sqlite.limits.SqliteIdempotencyKeys
imported_tokens.ImportedTokens aws.dynamo.imported_tokens.DynamoImportedTokens sqlite.imported_tokens.SqliteImportedTokens
id_tokens.IdTokenCheck       crypto.id_tokens.JoserfcIdTokenCheck          crypto.id_tokens.JoserfcIdTokenCheck
intake.Intake                storage.intake.OrderedIntake                  sqlite.intake.SqliteIntake
job_bell.JobBell             aws.job_bell.SqsJobBell                        sqlite.job_bell.SqliteJobBell
jobs.Jobs                    aws.dynamo.jobs.DynamoJobs                    sqlite.jobs.SqliteJobs
keys.KeyMaker                crypto.keys.CryptographyKeyMaker              crypto.keys.CryptographyKeyMaker
messages.MessageStore        aws.dynamo.messages.DynamoMessageStore        sqlite.messages.SqliteMessageStore
name_servers.NameServers     network.name_servers.DnsNameServers           network.name_servers.DnsNameServers
numbers.Numbers              aws.dynamo.numbers.DynamoNumbers              sqlite.numbers.SqliteNumbers
passkeys.PasskeyCheck        crypto.passkeys.WebauthnPasskeyCheck          crypto.passkeys.WebauthnPasskeyCheck
queue.WorkQueue              aws.sqs.SqsWorkQueue                          sqlite.queue.SqliteWorkQueue
mail_index.MailIndex         aws.lake.index.LakeMailIndex                  sqlite.mail_index.SqliteMailIndex
purge.ServerPurge            aws.dynamo.purge.DynamoServerPurge            sqlite.purge.SqliteServerPurge
rand.Rand                    system.randomness.SystemRand                  system.randomness.SystemRand
rate_counters.RateCounters   aws.dynamo.rate_counters.DynamoRateCounters   sqlite.rate_counters.SqliteRateCounters
recent.Recent                storage.recent.RecentConfiguration            sqlite.recent.SqliteRecent
reports.Reports              aws.dynamo.reports.DynamoReports              sqlite.reports.SqliteReports
repository.Repository        aws.dynamo.repository.DynamoRepository        sqlite.repository.SqliteRepository
resolver.Resolver            network.resolver.DnsResolver                  network.resolver.DnsResolver
scanners.Scanners            network.scanners.NetworkScanners              network.scanners.NetworkScanners
signature_check.SignatureCheck crypto.signature_check.CryptographySignatureCheck crypto.signature_check.CryptographySignatureCheck
signer.Signer                crypto.signer.KeyringSigner                   crypto.signer.KeyringSigner
statistics.Statistics        aws.dynamo.statistics.DynamoStatistics        sqlite.statistics.SqliteStatistics
suppressions.SuppressionList aws.dynamo.suppressions.DynamoSuppressionList sqlite.suppressions.SqliteSuppressionList
transfer.MessageTransfer     aws.dynamo.transfer.DynamoMessageTransfer     sqlite.transfer.SqliteMessageTransfer
unsubscribe_links.UnsubscribeLinks aws.dynamo.unsubscribe_links.DynamoUnsubscribeLinks sqlite.unsubscribe_links.SqliteUnsubscribeLinks
vault.KeyVault               aws.kms.KmsKeyVault                           sqlite.vault.FileKeyVault
send_limits.SendLimits       aws.dynamo.send_limits.DynamoSendLimits       sqlite.send_limits.SqliteSendLimits
limit_lines.LimitLines       aws.dynamo.limit_lines.DynamoLimitLines       sqlite.limit_lines.SqliteLimitLines
webhook_deliveries.WebhookDeliveries aws.dynamo.webhook_deliveries.DynamoWebhookDeliveries sqlite.webhook_deliveries.SqliteWebhookDeliveries
webhook_lanes.WebhookLanes   aws.dynamo.webhook_lanes.DynamoWebhookLanes   sqlite.webhook_lanes.SqliteWebhookLanes
"""
_HEAD, *_ROWS = (line.split() for line in _TABLE.splitlines() if line)
FAMILIES = tuple(_HEAD[1:])
PORTS = {port: dict(zip(FAMILIES, classes, strict=True)) for port, *classes in _ROWS}


def place_of(kind: type[Any]) -> str:
    """Where a class lies under `chalicelib.ports`; its whole place when it lies elsewhere."""
    return f"{kind.__module__}.{kind.__name__}".removeprefix("chalicelib.ports.")


def adapter_of(port: str, family: str) -> type[Any]:
    """The class that stands for the port at this place, loaded when it is first asked for."""
    module, _, name = PORTS[port][family].rpartition(".")
    found: type[Any] = getattr(import_module(f"chalicelib.adapters.{module}"), name)
    return found
