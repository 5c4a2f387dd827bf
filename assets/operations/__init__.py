"""What keeps the platform going: queues that are drained, rows that are forgotten."""
