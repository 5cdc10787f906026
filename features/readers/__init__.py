"""From one file of any known layout to canonical metrics and attributes, step by step."""
