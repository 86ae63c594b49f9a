"""Clock, randomness, and deaths at named calls for fault tests."""
