"""How long a pass takes, and what follows for steps, prompts, requests and servers."""
