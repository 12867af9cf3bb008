"""Forecasts of training runs that others published, each made without its source: rows, baselines, fits and scores."""
