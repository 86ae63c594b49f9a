"""`posthorn move`: an installation between one host and AWS, in steps that can be run again."""
