"""Sending by SMTP: a message is composed here as the API composes it, and submitted."""
