"""Assets of search."""
