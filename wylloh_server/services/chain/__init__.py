"""Following the chain: the indexer, and the queries that pages and plugins ask of its history."""
