"""Shapes of what models receive: one file per kind, without torch."""
