"""Fixtures of the fault tests: an AWS backend, a DNS zone, a receiving server, and processes that die where told."""

from tests.aws_backend import aws_backend, aws_settings
from tests.fault.stage import stage

__all__ = ["aws_backend", "aws_settings", "stage"]
