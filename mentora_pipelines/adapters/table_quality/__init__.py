"""Great Expectations over the tables of PostgreSQL; loaded when a check runs."""
