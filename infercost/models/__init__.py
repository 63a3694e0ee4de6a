"""A model as a value: found by name or file, read by its family, counted over its layers."""
