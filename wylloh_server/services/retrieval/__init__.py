"""Getting films: discovery, metadata, download and verification of packages."""
