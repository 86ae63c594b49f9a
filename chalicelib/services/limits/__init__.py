"""Send limits at work: places taken at an attempt or at acceptance, mail that a limit holds let go, events, usage."""
