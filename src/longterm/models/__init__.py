"""Chat models and embeddings: by name, on this machine, and what their answers mean."""
