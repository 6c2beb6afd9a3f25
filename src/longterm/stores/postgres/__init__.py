"""`PostgresStore`: the same memory in a PostgreSQL database, for many processes and machines."""
