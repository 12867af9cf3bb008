"""Rows after preprocessing, as they wait to be made into batches: in memory or on disk, of equal length or not."""
