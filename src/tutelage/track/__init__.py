"""Sinks that write down or show what happens in a run."""
