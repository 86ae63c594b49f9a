"""Everything the handlers of `functions/` and the SMTP gateway call: domain, services, adapters and the HTTP shapes."""

VERSION = "0.2.0"
