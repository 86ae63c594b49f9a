"""Delivery over loopback sockets."""
