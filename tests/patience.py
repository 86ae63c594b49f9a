"""How long a test waits for what has to come: a guard against hanging for ever, never a measurement.

A machine that has ten times the work it can do must not reach it.
"""

PATIENCE = 60.0  # seconds
