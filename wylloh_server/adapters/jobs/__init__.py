"""Durable background jobs with DBOS."""
