"""The shapes of the HTTP API: requests read, answers and errors rendered. Nothing here knows Chalice or AWS."""
