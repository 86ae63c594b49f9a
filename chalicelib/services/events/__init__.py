"""After-effects of what happens to messages."""
