"""Benchmarks: each module measures one stage as ratios within one run; `python -m bench.<name>` prints its table."""
