"""The HTTP side of one host: the API, blobs, tracked links, health and metrics on the loop of each process."""
