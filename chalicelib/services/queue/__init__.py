"""What every message that is sent or received waits in, and how one attempt at it is claimed, run and settled."""
