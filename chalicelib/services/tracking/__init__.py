"""Opens and clicks: the answers to those who cause them, and the host names that count them."""
