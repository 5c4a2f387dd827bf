"""What keeps the platform going; a drain is one run that empties a queue."""
