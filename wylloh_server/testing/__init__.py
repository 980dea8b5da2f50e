"""Fixtures for plugin authors: a published pytest plugin, loaded wherever this package is installed."""
