"""The only SQL: schema, tasks and transitions, alerts, outbox; one transaction at a time."""
