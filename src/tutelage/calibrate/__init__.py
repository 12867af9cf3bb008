"""Calibrators: what turns a model's answers into honest ones, after training; one file per kind."""
