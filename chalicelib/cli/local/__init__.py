"""What the command does with the storage in hand, without the API's server: `--local`."""
