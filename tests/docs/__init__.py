"""Tests that the documentation is complete, true where a program can tell, and leads nowhere that does not exist."""
