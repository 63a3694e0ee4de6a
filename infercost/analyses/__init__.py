"""One question each: gather inputs, call formulas, name the results."""
