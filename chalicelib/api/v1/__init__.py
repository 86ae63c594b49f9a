"""HTTP API v1: wire-compatible with Postal (contract section 2)."""
