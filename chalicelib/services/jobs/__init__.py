"""Work that takes long: what runs it, and a class for each type."""
