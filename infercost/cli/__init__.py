"""argv to inputs, one analysis, one renderer; no arithmetic."""
