"""Usage and budgets in PostgreSQL."""
