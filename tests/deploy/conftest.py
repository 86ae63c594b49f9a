"""Fixtures of the deployment tests."""

from tests.aws_backend import aws_backend
from tests.deploy.installation import installation, package, target

__all__ = ["aws_backend", "installation", "package", "target"]
