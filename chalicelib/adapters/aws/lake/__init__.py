"""What messages can be found by, as Parquet objects under `lake/` of the bucket: `terms/` has a row for each term of
each message, `rows/` one for each message with what a search looks at, `forgotten/` what has to leave both.

Objects are never changed. Each `put` writes one pair of the same name, `tidy` merges small pairs into larger ones, and
what a reader meets twice is the same. A search reads the ends of the objects, which tell what lies where in them, and
then the few groups of rows that it needs.
"""
