"""What a checkpoint's tensors hold beside what was counted from its config."""

from infercost import counting
from infercost.models import Found
from infercost.report import Note
from infercost.units import show

#: Norms that a config does not name, and headers, stay below this share.
NEAR = 0.01


def stored_notes(found: Found) -> list[Note]:
    """The bytes of the checkpoint when they are known, and why they are not those that were counted."""
    if found.stored_bytes is None:
        return []
    said = f"the checkpoint's tensors hold {show(found.stored_bytes, 'B')}"
    model = found.model
    language = sum(counting.weight_bytes_by_part(model).values())
    counted = counting.weight_bytes(model)
    more = found.stored_bytes / counted - 1
    if abs(more) <= NEAR:
        return [Note("checkpoint", said)]
    predicting = language / counting.total_params(model) * model.mtp_params
    side = "more" if more > 0 else "less"
    reason = _reason(found, more, near=abs(found.stored_bytes / (counted + predicting) - 1) <= NEAR)
    return [Note("checkpoint", f"{said}, {show(abs(more), 'share')} {side} than the weights counted here: {reason}")]


def _reason(found: Found, more: float, *, near: bool) -> str:
    """Likely, not known: a config does not list its checkpoint's tensors."""
    if more < 0:
        return "likely a file is missing, or a format or a tied table that its config does not tell"
    if near and found.model.mtp_params:
        return "likely its prediction layers, which are not loaded by default"
    if not found.model.vision_known:
        return "likely its vision tower, which is not counted"
    also = "prediction layers, " if found.model.mtp_params else ""
    return f"likely {also}padding, a stored tied table, or a format that its config does not tell"
