"""The words of SMTP: commands, replies, and what the end of an attempt means."""
