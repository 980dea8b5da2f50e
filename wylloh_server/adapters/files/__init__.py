"""Files on this machine: film folders, cached segments and uploads."""
