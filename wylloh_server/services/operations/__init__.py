"""Running the server: events, tasks, live updates, health."""
