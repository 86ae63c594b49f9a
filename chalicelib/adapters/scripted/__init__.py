"""Ports that do as tests tell them: a clock, a DNS zone, receiving servers."""
