"""The rows of the pages on which a tenant is set up, and of those that say how it fares."""

from __future__ import annotations

from chalicelib.web.pages import (
    audit,
    domain_share,
    domains,
    endpoints,
    erasing,
    insight_causes,
    insights,
    keys,
    operations,
    pool_rules,
    routes,
    server_settings,
    streams,
    suppression_files,
    suppressions,
    tracking,
    webhook_deliveries,
    webhooks,
)
from chalicelib.web.row import Row

ROWS: tuple[Row, ...] = (
    *domains.ROWS,
    *domain_share.ROWS,
    *tracking.ROWS,
    *suppression_files.ROWS,
    *suppressions.ROWS,
    *streams.ROWS,
    *keys.ROWS,
    *webhooks.ROWS,
    *webhook_deliveries.ROWS,
    *routes.ROWS,
    *endpoints.ROWS,
    *server_settings.ROWS,
    *pool_rules.ROWS,
    *erasing.ROWS,
    *audit.ROWS,
    *insights.ROWS,
    *insight_causes.ROWS,
    Row("GET", "/org/{org}/operations", operations.show_operations, "emails:read", ("listJobs",)),
    Row(
        "GET", "/org/{org}/operations/{id}", operations.show_operation, "emails:read", ("showJob",)
    ),
    Row("POST", "/org/{org}/operations/{id}/stop", operations.stop, "emails:read", ("stopJob",)),
)
