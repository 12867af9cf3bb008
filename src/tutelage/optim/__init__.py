"""Optimizers: one file each, with parameter groups and clipping."""
