"""Every family of models: its row, and what its layers are made of."""
