"""Architectures, layers and initialization."""
