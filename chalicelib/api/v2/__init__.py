"""HTTP API v2: Posthorn's own, described by its OpenAPI document."""
