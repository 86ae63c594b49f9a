"""The nouns of the configuration as frozen values, a file each, with the declaration from which it is kept beside it.

Times are epoch seconds. Nothing here validates: borders parse, then these are true.
"""
