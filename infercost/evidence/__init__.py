"""Measurements made ready to be predicted, and constants fitted to them."""
