"""Pools and their ways out."""
