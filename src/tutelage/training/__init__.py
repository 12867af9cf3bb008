"""The one training loop, its step and its state."""
