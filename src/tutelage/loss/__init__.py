"""Losses: one file each; a loss gives one number per sample."""
