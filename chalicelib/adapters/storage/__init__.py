"""What the stores of every family share."""
