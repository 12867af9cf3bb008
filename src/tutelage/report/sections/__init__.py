"""The sections of the report, one file each: `show(facts)` returns a section, or None where there is nothing to say."""
