"""Work: what a training step asks of a machine, in arithmetic, bytes and memory, counted without running it."""
