"""From sequences being decoded to the people who use a service, and back."""

from infercost.formulas.formula import formula
from infercost.numeric import ceiling

NOTE = "Erdil, Memory bandwidth constraints imply economies of scale in AI inference"
LITTLE = "Little's law: number in the system = arrival rate x time spent"


@formula(source=NOTE)
def users(*, concurrent_users: float, minutes_per_day: float, decoding_share: float) -> float:
    """Daily users whose minutes, spread evenly over the day, keep this many sequences being decoded."""
    return concurrent_users * 1440 / (minutes_per_day * decoding_share)


@formula(source=LITTLE)
def concurrent_users(*, users: float, minutes_per_day: float, decoding_share: float) -> float:
    """Sequences being decoded at once, mean over the day, for this many daily users."""
    return users * minutes_per_day * decoding_share / 1440


@formula(source="messages spread over the day")
def request_rate(*, users: float, messages_per_day: float) -> float:
    """Requests a second, mean over the day."""
    return users * messages_per_day / 86400


@formula(source=LITTLE)
def people_online(*, users: float, minutes_per_day: float) -> float:
    """People with the app open at once, mean over the day."""
    return users * minutes_per_day / 1440


@formula(source="the emptiest hour holds the trough's share of the mean")
def users_at_trough(*, users: float, trough_to_mean: float) -> float:
    """Daily users who keep the concurrency even in the emptiest hour."""
    return users / trough_to_mean


@formula(source="definition of trough over mean")
def trough_concurrent(*, concurrent_users: float, trough_to_mean: float) -> float:
    """Sequences being decoded in the emptiest hour."""
    return concurrent_users * trough_to_mean


@formula(source="definition of peak over mean")
def peak_concurrent(*, concurrent_users: float, peak_to_mean: float) -> float:
    """Sequences being decoded in the busiest hour."""
    return concurrent_users * peak_to_mean


@formula(source="the trough over mean that makes users_at_trough equal the target")
def trough_for_users(*, users: float, target_users: float) -> float:
    """Trough over mean at which the target is what keeps the emptiest hour full."""
    return users / target_users


@formula(source="whole replicas, each decoding its batch")
def replicas(*, slots: float, batch: float) -> int:
    """Copies of the model that decode all slots, each a batch of them."""
    return ceiling(slots / batch)
