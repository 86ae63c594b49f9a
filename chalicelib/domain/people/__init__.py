"""People: users, the organizations they are members of, how they are let in, and what they keep for themselves."""
