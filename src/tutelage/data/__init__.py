"""From files and arrays to batches of tensors: sources, quality, preprocessing, augmentation, order."""
