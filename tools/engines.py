"""What engines of today add to kernels, fitted to the shipped rows of vLLM and TensorRT-LLM together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

from infercost.analyses.validate import SHIPPED
from infercost.errors import InfercostError
from infercost.evidence.fit import Free, Together, Weighed, fit_together
from infercost.evidence.predict import Prepared, prepare, quantity, stack_of
from infercost.evidence.readers.record import read_table
from infercost.parts import catalog
from infercost.parts.stack import complete

VLLM, TENSORRT = "vllm", "tensorrt-llm"
#: The table that nothing is fitted to.
LATER = "later"
BOTH = (VLLM, TENSORRT)
#: Constants, which engines share them, and what kernels and sources say of them; see docs/speed.md.
FREE = (
    Free("launch_scale", ("launch_scale",), BOTH, 1.0, 0.15),
    Free("collective_latency", ("collective_latency",), BOTH, 4.2e-6, 4e-6),
    Free("exchange_latency", ("exchange_latency",), BOTH, 50e-6, 25e-6),
    Free("step_overhead", ("step_overhead",), BOTH, 300e-6, 200e-6),
    Free("sequence_overhead", ("sequence_overhead",), (VLLM,), 8e-6, 8e-6),
    Free("eager_layer_time", ("eager_layer_time",), BOTH, 500e-6, 200e-6),
    Free("request_overhead", ("request_overhead",), BOTH, 4e-3, 2e-3),
    Free("steps_waited", ("steps_waited", "streamed_steps"), (VLLM,), 2.0, 1.0),
    Free("streamed_steps", ("streamed_steps",), (TENSORRT,), 8.0, 4.0),
)
#: Families by the start of a preset's name, the longest first.
FAMILIES = {
    "deepseek-r1-distill-llama": "llama-3",
    "deepseek-r1-distill-qwen": "qwen2.5",
    **{name: name for name in ("codellama", "deepseek", "gpt-oss", "kimi", "llama-2", "llama-3", "llama-4", "minimax")},
    **{name: name for name in ("mistral", "mixtral", "qwen2.5", "qwen3.5", "qwen3", "yi")},
}
#: How much a row counts by its protocol and its quantity; 1 where none is named.
WEIGHTS = {
    ("closed", "ttft"): 0.5,
    ("served", "itl"): 1.5,
    ("served", "ttft"): 0.7,
    ("served", "e2e"): 0.0,
    ("load", "itl"): 0.5,
    ("load", "ttft"): 0.3,
    ("peak", "rate"): 1.5,
}


def family_of(run: Prepared) -> str:
    """The family of a run's model."""
    name = run.site.work.model.name
    return next((FAMILIES[start] for start in sorted(FAMILIES, key=len, reverse=True) if name.startswith(start)), name)


def runs_of_today() -> list[tuple[Prepared, str]]:
    """The shipped rows of vLLM and TensorRT-LLM of today, each with its profile."""
    found = ((run, _profile(run)) for table in SHIPPED if table != LATER for run in runs_of(table))
    return [(run, profile) for run, profile in found if profile in BOTH]


def _profile(run: Prepared) -> str:
    return stack_of(run.measured, run.site.part.labels.get("vendor", "")).name


def runs_of(table: str) -> Iterator[Prepared]:
    """The rows of a shipped table that can be predicted."""
    for row in read_table(str(catalog.shipped() / "measurements" / f"{table}.csv")).measured:
        with suppress(InfercostError):
            yield prepare(row)


def weighed(runs: Sequence[tuple[Prepared, str]]) -> list[Weighed]:
    """Rows with a known load, those of one configuration and release with the root of the root of their number."""
    alike = Counter(_alike(run) for run, _ in runs)
    rows = [Weighed(run, profile, _weight(run) * alike[_alike(run)] ** -0.25) for run, profile in runs]
    return [row for row in rows if row.weight]


def _alike(run: Prepared) -> tuple[object, ...]:
    row = run.measured
    return family_of(run), row.accelerator, row.weight_dtype, row.framework, row.tp, quantity(row.metric)


def _weight(run: Prepared) -> float:
    row = run.measured
    if row.protocol in ("full", "batch"):
        return 0.0
    protocol = row.protocol if row.protocol != "rate" else "load" if row.random else "served"
    return WEIGHTS.get((protocol, quantity(row.metric)), 1.0)


def fitted(rows: Sequence[Weighed]) -> Together:
    """Both profiles with the constants that rows give."""
    names = {row.profile for row in rows}
    free = [one for one in FREE if names.intersection(one.profiles)]
    free = [one._replace(profiles=tuple(name for name in one.profiles if name in names)) for one in free]
    return fit_together(rows, {name: complete(catalog.load("efficiency", name)) for name in sorted(names)}, free)


def report(title: str, best: Together) -> None:
    """Print the constants of a fit with their standard errors."""
    figures = (f"{name} {value:.3g} +- {best.spreads[name]:.1g}" for name, value in best.values.items())
    print(f"{title}: {', '.join(figures)}", flush=True)
