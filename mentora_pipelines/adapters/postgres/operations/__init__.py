"""What keeps the platform well, in PostgreSQL."""
