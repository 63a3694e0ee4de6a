"""Speed per user against cost per token: the search, its answer, and every configuration in a file."""
