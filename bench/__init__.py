"""Benchmarks: one file each; `python -m bench` runs them all and prints one JSON object a benchmark."""
