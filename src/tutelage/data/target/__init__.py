"""What labels mean: one file per kind, learned from train labels, encoded for the loss, decoded for people."""
