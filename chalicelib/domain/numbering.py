"""The numbers by which organizations, servers and messages are known, a type each: none is taken for another."""

from __future__ import annotations

from typing import NewType

OrganizationId = NewType("OrganizationId", int)
ServerId = NewType("ServerId", int)
MessageId = NewType("MessageId", int)
"""Unique among the messages of a server."""
