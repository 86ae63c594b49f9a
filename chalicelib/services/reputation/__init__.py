"""Complaint and bounce rates of servers and streams: looked at, kept where they hold mail, and told."""
