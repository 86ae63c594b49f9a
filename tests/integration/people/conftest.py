"""The emulated AWS, for what is to be the same on both engines."""

from __future__ import annotations

from tests.aws_backend import aws_backend, aws_names, aws_settings

__all__ = ["aws_backend", "aws_names", "aws_settings"]
