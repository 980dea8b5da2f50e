"""What the product does. Services ask ports and hooks; they never import an adapter."""
