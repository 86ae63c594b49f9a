"""People: users, members, invitations, and how they are let in."""
