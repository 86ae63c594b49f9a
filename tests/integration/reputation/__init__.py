"""Own addresses and names in the lists of others."""
