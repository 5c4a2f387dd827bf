"""Another embedding model is built beside the one that is searched."""
