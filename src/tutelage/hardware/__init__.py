"""Hardware: what is known of chips, what this machine was measured to do, and how long operators take on it."""
