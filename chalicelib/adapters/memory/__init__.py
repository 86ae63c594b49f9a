"""Every port in one process, without a network: for tests, benchmarks and trying things out.

They keep the contracts of the ports, tested with the same suites as the real adapters. Nothing survives the process,
and the adapters of a program belong to one event loop.
"""
