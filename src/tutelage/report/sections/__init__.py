"""The sections of the report, one file each; a new file here is a new section, with nothing else to change."""
