"""A service: what its users ask of it hour by hour, and what the replicas that serve them do and cost."""
