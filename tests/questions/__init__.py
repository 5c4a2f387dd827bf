"""Questions about lessons, good and bad, each told apart by reading."""
