"""The command `posthorn`: what the services do, for people and, with `--json`, for machines."""
