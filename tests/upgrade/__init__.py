"""Upgrades from each released version to this code, on both engines, with mail waiting."""
