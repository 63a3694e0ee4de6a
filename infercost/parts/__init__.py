"""Readers of files that other programs and people write."""
