"""The program of a plugin's own process: `boot.py` starts it, `program` runs the plugin."""
