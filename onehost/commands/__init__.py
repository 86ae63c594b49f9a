"""The commands of one host on top of `posthorn`: parse, call, print."""
