"""The nouns of the configuration, each declared once."""
