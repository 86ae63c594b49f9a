"""Posthorn on one host: the program `posthorn serve`, and what sets it up, looks after it, saves and moves it.

It runs the coroutines of `functions` and the gateway in processes of its own, over the adapters of `sqlite`.
"""
