"""Preprocessing: fitted on the train part only, applied everywhere, saved with the model."""
