"""Initialization schemes: one file each."""
