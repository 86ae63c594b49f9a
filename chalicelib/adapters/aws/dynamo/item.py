"""The type of an item as DynamoDB's calls take and give it: apart from the models, which take time to load."""

from __future__ import annotations

from typing import Any

Item = dict[str, dict[str, Any]]
