"""`posthorn doctor`: what a mail server needs of its host and of the world, one check a function.

A check says ok only for what it has seen. It changes nothing but for a file that it writes and takes away again.
"""
