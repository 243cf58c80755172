"""Money for many cards at once: loaded from a file, checked, posted in chunks, reported."""
