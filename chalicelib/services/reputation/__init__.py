"""What others say of mail and of where it comes from: complaint and bounce rates that hold it, lists of addresses."""
