"""The films of this server: listing, sources, posters, folders, groups and batch actions."""
