"""Presets of accelerators, efficiency profiles and traffic, number formats, and the YAML files they come from."""
