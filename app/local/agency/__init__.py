"""A small agency, played against the feed of a running instance: `sepakat simulate`, for development only."""
