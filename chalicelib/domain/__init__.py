"""The mail world as values and pure functions. No clock, no network, no randomness, standard library only."""
