"""How often a token is sent to its experts on other ranks."""

from typing import Protocol

from infercost import formulas


class Routing(Protocol):
    """Experts of a token: ``active`` of them, in ``token_groups`` of ``groups``, 0 where they lie in any."""

    @property
    def active(self) -> int:
        """Experts of a token."""

    @property
    def groups(self) -> int:
        """Groups of experts."""

    @property
    def token_groups(self) -> int:
        """Groups that a token's experts lie in."""


def over_network(routing: Routing, nodes: int) -> float:
    """Copies of a token that leave its node: one for each other node with its experts."""
    places: float = nodes
    if routing.groups:
        places = formulas.collectives.limited_places(
            nodes=nodes, expert_groups=routing.groups, token_groups=routing.token_groups
        )
    return _forwarded(routing, places, nodes)


def over_links(routing: Routing, ranks: int, inside: int) -> float:
    """Copies of a token that go from one rank of a node to another: one for each rank with its experts."""
    return _forwarded(routing, ranks, inside)


def _forwarded(routing: Routing, places: float, peers: int) -> float:
    met = formulas.collectives.places_met(places=places, active_experts=routing.active)
    return formulas.collectives.forwarded_copies(places_met=met, peers=peers)
