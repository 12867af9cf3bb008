"""Micro-benchmarks: one kind of work a file, found by its name."""
