"""Messages in words, the outbox loop, the apprise adapter."""
