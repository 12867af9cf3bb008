"""Metrics: one file each, computed over a whole part of the data."""
