"""What users call: memory managers, on a store or without one, and their helpers."""
