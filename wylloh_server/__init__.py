"""Wylloh server: a self-hosted media server for collectors and cinemas."""

__version__ = "0.1.0"
