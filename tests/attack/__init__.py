"""Attacks from outside, opt-in: each has one command and its own summary."""
