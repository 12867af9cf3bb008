"""Parts of a data set as they were read: one file per kind."""
