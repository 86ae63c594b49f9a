"""Keys, signatures and sealed bytes."""
