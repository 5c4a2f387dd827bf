"""The tables and views of the schema, each declared once by the type of its rows."""
