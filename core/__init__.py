"""What every other part stands on: settings, database, identity, errors, logging, embedded Postgres."""
