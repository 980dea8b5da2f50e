"""The HTTP client and its guard against requests to internal addresses."""
