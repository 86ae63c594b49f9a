"""The use cases: each gathers facts through ports, lets the domain decide, and applies the decision."""
