"""Constants of llama.cpp under one backend, and of its computing in a host."""

from typing import NamedTuple

from infercost.errors import BadFile
from infercost.parts.preset import Preset
from infercost.parts.stack import is_stated

#: The backend that computes in a host.
CPU = "cpu"


class Engine(NamedTuple):
    """Constants of llama.cpp under one backend, in base units; factors are one where they do not apply.

    ``kernels`` names the backend, ``chunk_tokens`` is the ubatch. ``vector_rows`` and ``expert_rows`` are the most rows
    that vector kernels take. ``older_products`` is one only for builds whose quantized products are in 8 bits.
    """

    kernels: str
    layer_launch: float
    memory_share: float
    compute_share: float
    compute_share_16: float
    vector_share: float
    attention_share: float
    vector_rows: float
    matrix_rows: float
    expert_rows: float
    expert_tile: float
    sparse_launches: float
    chunk_tokens: float
    expert_launch: float = 0.0
    memory_scale_bf16: float = 1.0
    compute_scale_bf16: float = 1.0
    older_products: float = 1.0
    older_launches: float = 1.0
    older_cache: float = 1.0
    host_share: float = 1.0
    host_layer_time: float = 0.0
    prompts: str = "filled"
    token_overhead: float = 0.0


def engine_of(profile: Preset) -> Engine:
    """The constants of a profile that knows its backend; BadFile for one that does not."""
    labels = profile.labels
    if not labels.get("kernels"):
        raise BadFile(f"preset {profile.path}: no kernels", "write like: llama.cpp, or kernels: cuda, metal, hip, ...")
    figures = {name: profile.value(name) for name in Engine._fields if name in profile.facts}
    figures.setdefault("compute_share_16", figures["compute_share"])
    figures.setdefault("layer_launch", figures.get("host_layer_time", 0.0))
    engine = Engine(**figures, kernels=labels["kernels"], prompts=labels.get("prompts", "filled"))
    return host_engine(engine, profile) if engine.kernels == CPU else engine


def host_engine(engine: Engine, own: Preset) -> Engine:
    """The constants of llama.cpp on a CPU: those of any, where neither its host nor its profile states its own.

    Its arithmetic was not measured and is taken at the peak, each row for itself: a bound.
    """
    return engine._replace(
        kernels=CPU,
        compute_share=1.0,
        compute_share_16=1.0,
        vector_share=1.0,
        attention_share=1.0,
        matrix_rows=1.0,
        expert_tile=1.0,
        vector_rows=0.0,
        expert_rows=0.0,
        memory_share=_stated(own, "memory_share", engine.host_share),
        layer_launch=_stated(own, "layer_launch", engine.host_layer_time),
        sparse_launches=0.0,
        older_launches=1.0,
    )


def _stated(preset: Preset, key: str, other: float) -> float:
    """A figure that a preset states itself, else another one."""
    return preset.value(key) if is_stated(preset, key) else other
