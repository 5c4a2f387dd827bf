"""PostgreSQL, through psycopg: one file per noun, SQL above the method that runs it."""
