"""Ports over sockets: DNS, and SMTP to other hosts."""
