"""From export files to feature rows: read, store, cut time, count, describe."""
