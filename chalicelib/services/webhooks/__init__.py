"""Webhooks: what people do with them, and how events get to them."""
