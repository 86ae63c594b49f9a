"""The embedded family: SQLite databases and body segments in one state folder, or all of it in memory."""
