"""Formulas of plain numbers in base units: each one expression, beside its source."""
