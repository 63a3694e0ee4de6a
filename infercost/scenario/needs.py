"""What a model takes of memory, read where no accelerator is named."""

from infercost.errors import Missing
from infercost.models import counting
from infercost.models.model import bare_count
from infercost.scenario.contexts import read_context, stretched
from infercost.scenario.options import SERVED, flag
from infercost.scenario.rack import (
    A_MODEL,
    in_formats,
    note_tower,
    read_batch,
    read_checkpoint,
    read_count,
    refuse_counts,
    refuse_unsaid,
)
from infercost.scenario.read import Question, Reading
from infercost.scenario.scenario import Need, Scenario, frozen

#: What the memory of a model follows from.
TAKEN = (
    *("model", "params", "active_params", "dtype", "kv_dtype", "context", "rope_scaling", "workload", "batch"),
    "sweep",
)


def is_of_memory(question: Question) -> bool:
    """Whether ``fit`` is asked what a model needs, whatever holds it."""
    return question.command == "fit" and "gpu" not in question.given


def read_needs(reading: Reading) -> Scenario:
    """A model and its sequences, or a bare count.

    Raises:
        Missing: what needs an accelerator, or a cache of a bare count.
    """
    if stray := [flag(name) for name in reading.given if name not in TAKEN]:
        raise Missing(f"fit needs --gpu for {', '.join(stray)}", "for example --gpu h100, or leave it out")
    return frozen(reading, need=_of_model(reading) if "model" in reading.given else _of_count(reading))


def _of_count(reading: Reading) -> Need:
    if stray := [flag(name) for name in reading.given if name in (*SERVED, "batch")]:
        need = "needs" if len(stray) == 1 else "need"
        raise Missing(f"{', '.join(stray)} {need} --model: a bare count has no layers", A_MODEL)
    params, active, format = read_count(reading)
    return Need(None, bare_count(params, active, format, 0, 0), params, active)


def _of_model(reading: Reading) -> Need:
    refuse_counts(reading)
    checkpoint = read_checkpoint(reading)
    model = in_formats(reading, checkpoint.published_model if "dtype" in reading.given else checkpoint.model)
    refuse_unsaid(reading, checkpoint)
    reading.own("dtype", model.quantization.name, checkpoint.says_format)
    model = stretched(reading, checkpoint, model)
    note_tower(reading, checkpoint, model)
    context, batch = read_context(reading, None, model, checkpoint.extended), read_batch(reading, model)
    return Need(checkpoint, model, counting.total_params(model), counting.active_params(model), context, batch)
