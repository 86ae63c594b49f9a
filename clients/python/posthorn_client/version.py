"""The version of this package, which is that of Posthorn."""

VERSION = "0.2.0"
