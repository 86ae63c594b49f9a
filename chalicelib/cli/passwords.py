"""Passwords for the command: from a variable of the environment, or asked for; never an argument."""

from __future__ import annotations

import os
import sys

import click

from chalicelib.cli.failure import Failure


def password_from(variable: str) -> str:
    """From the variable, or from the person at the terminal; Failure when there is neither."""
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        raise Failure(f"A password is needed: set {variable}, or run this at a terminal")
    return str(click.prompt("Password", hide_input=True, err=True))
