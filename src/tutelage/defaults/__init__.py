"""What `auto` means: one file a kind of data, decided from facts, never from names."""
