"""Checks of the data before training: one file per check."""
