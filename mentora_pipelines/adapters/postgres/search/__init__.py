"""Search in PostgreSQL: the call, generations of vectors and their index."""
