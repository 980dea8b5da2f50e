"""The web floor: aiohttp lives here and nowhere else."""
