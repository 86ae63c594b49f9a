"""Fuzzing: functions that take any bytes and must neither fail nor hang. `python -m tests.fuzz.run --seconds 60`."""
