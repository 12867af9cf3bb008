"""A small HTTP server in front of a run's model: predictions, batched; a page to try it; nothing without the token but health."""
