"""Playing films: leases, plans, playlists, and having segments made."""
