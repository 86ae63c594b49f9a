"""Everything the handlers of `functions/` and the SMTP gateway call: domain, services, adapters and the HTTP shapes."""
