"""The dashboard: pages for people, each a client of API v2 in the same process (ADR 67)."""
