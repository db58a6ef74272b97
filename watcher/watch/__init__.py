"""Which request to spend next, one look, the inventory, and the ingest of what a look brought."""
