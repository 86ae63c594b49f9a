"""Links and images that tell of opens and clicks, and the requests that they bring."""
