"""The seams of Posthorn: what the services need from the world, one Protocol each, verbs only as needed.

No term of a particular store or queue appears here, so that another family of adapters can take the place of the
AWS one. Every port has an adapter in memory, and one contract test that it and the real adapter both pass. All verbs
that may touch the network are coroutines and raise `MailError` values: `TemporaryFailure` when the other side is away,
the named error otherwise. Nothing here retries unless its docstring says so.
"""
