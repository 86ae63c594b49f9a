"""What `posthorn init` makes and tells: settings, first accounts, addresses, records for DNS."""
