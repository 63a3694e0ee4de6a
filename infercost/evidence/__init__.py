"""Measurements, predictions for them, and constants fitted to them."""
