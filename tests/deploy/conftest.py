"""Fixtures of the deployment tests."""

from tests.aws_backend import aws_backend, aws_settings
from tests.deploy.installation import installation, package, package_of, target

__all__ = ["aws_backend", "aws_settings", "installation", "package", "package_of", "target"]
