"""Outgoing mail: taken in from clients, and sent to the servers of its recipients."""
