"""argv to inputs, one analysis, one renderer; no arithmetic."""

import gc

# What start-up loads lives until the end: looking for garbage in it costs a run 5%. ``main`` turns it on again.
gc.disable()
