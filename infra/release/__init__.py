"""`make release`: a version of what is committed, with everything that belongs to it."""
