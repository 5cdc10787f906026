"""Does anything here know the answer before it could? Checks that a team runs on its own data."""
