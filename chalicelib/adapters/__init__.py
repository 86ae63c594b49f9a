"""The ports' real counterparts: AWS, DNS, sockets, keys. Imported by `chalicelib.bootstrap` alone."""
