"""How many accelerators hold a model, and what is left beside the weights."""

from infercost.case import Case, case_notes, read_case, refuse_served
from infercost.engine import memory
from infercost.hardware import MEMORY_BASES
from infercost.question import Asked
from infercost.report import Report, Row
from infercost.units import show

#: The share that serving engines plan with when nothing else is said.
ENGINE_SHARE = 0.9
#: What a bare count cannot answer, by JSON key, and why.
NO_MODEL = "a bare parameter count does not say"
NEEDS_MODEL = (
    "kv_bytes_per_token",
    "kv_bytes_per_sequence",
    "kv_pool_tokens",
    "max_sequences",
    "vision_params",
    "mtp_params",
)


def answer(asked: Asked) -> Report:
    """The least accelerators that hold the weights, or whether the given ones do.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_case``.
    """
    if "model" in asked.given:
        from infercost.analyses import fit_model

        return fit_model.answer(asked)
    refuse_served(asked)
    case = read_case(asked)
    left = memory.memory_left(
        device_memory=case.device_memory,
        usable=case.usable,
        weight_bytes=case.weight_bytes,
        devices=case.devices,
    )
    return Report(
        command="fit",
        verdict=_verdict(case, left),
        inputs=tuple(asked.inputs),
        results=_results(case, left),
        parts=_parts(case, left),
        advice=_advice(case, left),
        notes=(*case_notes(case), *asked.notes),
        met=case.fits,
    )


def _results(case: Case, left: float) -> tuple[Row, ...]:
    domain = case.part.facts.get("link_domain")
    rows = [
        Row("gpus_for_weights", case.gpus_for_weights, _at_engine_share(case)),
        Row("gpus", case.devices, "as given" if case.devices_given else "the least"),
        Row("nodes", _nodes(case), f"of {domain.value:g} in a scale-up domain" if domain else "no domain known"),
        Row("fits", case.fits),
        Row("total_params", case.params),
        Row("active_params", case.active_params, shown=case.active_share < 1),
        Row("weight_bytes", case.weight_bytes, f"{case.format.name}, {case.format.bytes_per_value:g} B a parameter"),
        Row(
            "weight_bytes_per_gpu",
            memory.weight_bytes_per_gpu(weight_bytes=case.weight_bytes, devices=case.devices),
            "split evenly",
        ),
        Row("memory_per_gpu_bytes", case.device_memory, f"counted {MEMORY_BASES[case.memory_key]}"),
        Row("kv_pool_bytes_per_gpu", max(left, 0.0), "for KV cache and the engine"),
        Row("shortfall_bytes", max(-left, 0.0) * case.devices, "on all devices together", shown=not case.fits),
    ]
    return (*rows, *(Row(key, None, NO_MODEL, shown=False) for key in NEEDS_MODEL))


def _nodes(case: Case) -> int | None:
    domain = case.part.facts.get("link_domain")
    return memory.nodes(devices=case.devices, domain=domain.value) if domain else None


def _at_engine_share(case: Case) -> str:
    if case.usable <= ENGINE_SHARE:
        return f"at a usable share of {show(case.usable, 'share')}"
    least = memory.gpus_for_weights(
        weight_bytes=case.weight_bytes, device_memory=case.device_memory, usable=ENGINE_SHARE
    )
    return f"{least} where 90% may be planned with"


def _verdict(case: Case, left: float) -> str:
    weights, name = show(case.weight_bytes, "B"), case.part.name
    if not case.fits:
        short = show(-left * case.devices, "B")
        return (
            f"Does not fit: {weights} of weights on {case.devices:,} x {name} is short by {short}; "
            f"the least is {case.gpus_for_weights:,}."
        )
    beside = f"{show(left, 'B')} a device is left" if left > 0 else "nothing is left beside them"
    plural = "" if case.devices == 1 else "s"
    holds = "holds" if case.devices == 1 else "hold"
    return f"{case.devices:,} accelerator{plural} ({name}) {holds} {weights} of weights; {beside}."


def _parts(case: Case, left: float) -> tuple[tuple[str, float, str], ...]:
    if not case.fits:
        return ()
    per_device = case.weight_bytes / case.devices
    reserve = case.device_memory * (1 - case.usable)
    return (("weights", per_device, "B"), ("not planned with", reserve, "B"), ("left", max(left, 0.0), "B"))


def _advice(case: Case, left: float) -> tuple[str, ...]:
    if not case.fits:
        return (f"ask for --gpus {case.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    if case.usable > ENGINE_SHARE and left < (1 - ENGINE_SHARE) * case.device_memory:
        return ("KV cache and activations need room too: plan with --usable 90%",)
    return ()
