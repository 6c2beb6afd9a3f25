"""Messages and known memories → changes, by asking a model."""
