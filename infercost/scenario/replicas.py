"""Replicas that share devices, sequences and load: the question of one of them."""

from math import ceil

from infercost.errors import BadValue
from infercost.scenario.read import Question

#: What replicas share evenly, and of that what is counted in whole sequences.
_WHOLE = ("batch", "concurrency", "num_prompts")
_SHARED = (*_WHOLE, "request_rate")


def of_one(question: Question) -> Question:
    """The question of one of as many replicas as ``--dp`` says: its share of sequences and load, the fullest's."""
    copies = question.get("dp") or 1
    values = {name: question.get(name) / copies for name in _SHARED if copies > 1 and question.get(name)}
    shares = {name: ceil(value) if name in _WHOLE else value for name, value in values.items()}
    return question.changed(shares, "a replica's share") if shares else question


def devices_of_one(devices: int | None, copies: int) -> int | None:
    """Devices of one replica, where a count of all was given.

    Raises:
        BadValue: a count that does not divide among them.
    """
    if devices and devices % copies:
        hint = f"ask for a multiple, as --gpus {copies * ceil(devices / copies)}"
        raise BadValue(f"--dp {copies}: {devices} devices are no {copies} equal replicas", hint)
    return devices and devices // copies
