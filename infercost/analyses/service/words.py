"""What economies of scale say in words: the verdict, what to change, what is assumed of the users."""

from infercost.analyses.service.provision import ONE_QUEUE, Service
from infercost.report import Note, Row
from infercost.units import many, show


def columns(service: Service) -> tuple[str, ...]:
    """What a table shows of each number of users."""
    cost = ("usd_per_million_tokens", "usd_per_million_tokens_busy") if service.price else ("busy_share",)
    return ("users", "gpus", "batch", "utilization", "tokens_per_s_per_user", *cost)


def verdict(service: Service, results: list[Row]) -> str:
    """What a lone user pays, how many come near the floor, and how many fill a replica."""
    found = {row.key: row.value for row in results}
    cost = found["floor_usd_per_million_tokens"]
    floor = f"the floor of {show(cost, 'USD')} a million tokens" if cost else "the floor"
    near = found["users_within_2x"]
    text = (
        f"A lone user costs {show(found['lone_user_cost_ratio'], 'x')} as much a token as one of many while served, "
        f"{show(found['lone_user_reserved_cost_ratio'], 'x')} with every hour paid"
    )
    come = "comes" if near == 1 else "come"
    reach = f"{many(near, 'user')} {come} within twice {floor}" if near else f"no users come within twice {floor}"
    replica = f"a replica of {many(service.case.devices, 'device')}"
    return f"{text}. {reach}; {replica} takes {show(found['users_per_replica'])}."


def advice(service: Service, parts: tuple[tuple[str, float, str], ...]) -> tuple[str, ...]:
    """What would make tokens cheaper: the largest part of the floor, idle hours, what holds the batch back."""
    found, sizes = [], {name: size for name, size, _ in parts}
    if sizes and max(sizes, key=lambda name: sizes[name]) == "prompts":
        share = show(sizes["prompts"] / sum(sizes.values()), "share")
        found.append(
            f"prompts are {share} of the floor: a larger --prefix-share of them in a cache makes tokens cheaper"
        )
    idle = service.fleet.hours_paid
    if idle > 1:
        found.append(
            f"hours off the peak stand idle in part: --scale-down would save up to {show(1 - 1 / idle, 'share')}"
        )
    if service.binds == "memory":
        found.append("memory holds the batch back: --kv-dtype fp8 or more devices a replica let more share each read")
    if service.binds in ("latency", "first token"):
        found.append("the limit on latency holds the batch back: a longer one, or faster memory, makes tokens cheaper")
    return tuple(found)


def notes(service: Service) -> list[Note]:
    """How users come, and what is kept for chance."""
    shared = "users come independently of each other; those who decode are spread evenly over the replicas"
    filled = Note("headroom", "replicas are filled to the mean: --max-wait-probability 1% keeps slots for chance")
    return [Note("shared", shared), filled if service.fleet.waiting >= 1 else ONE_QUEUE]
