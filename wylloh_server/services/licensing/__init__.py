"""Who may watch: licence decisions, envelopes, content keys and the custodian."""
