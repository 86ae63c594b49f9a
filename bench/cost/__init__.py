"""What `make cost` measures: `python -m bench.cost` counts, `billing` and `tables` say what that costs."""
