"""The rule language: schema, loading, matchers, conditions, the engine. Pure, loading aside."""
