"""Who may do what: organizations, their servers, credentials and domains."""
