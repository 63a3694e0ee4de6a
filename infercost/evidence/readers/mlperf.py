"""MLPerf Inference results: the Offline rows, in which the engine holds as many sequences as fit."""

from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import Skipped, joined
from infercost.evidence.readers.sheet import Line

COLUMNS = (
    "round", "submitter", "system", "accelerator", "n_accelerators", "model", "scenario", "weight_dtype",
    "tokens_per_s", "source_path", "accelerator_class", "output_tokens_per_sample", "framework", "availability",
    "flags",
)  # fmt: skip
#: The checkpoints that the rules name, by benchmark.
MODELS = {
    "llama2-70b": "meta-llama/Llama-2-70b-chat-hf",
    "llama3.1-405b": "meta-llama/Llama-3.1-405B-Instruct",
    "llama3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
}
#: Mean prompt in tokens. MLCommons publishes none of them:
#: llama2-70b by mannysinghx/chipdesignsoftware, which tokenised the 24,576 prompts with MLPerf's template;
#: llama3.1-405b by the same, after MLCommons' post on round v5.0;
#: llama3.1-8b from the prefill log of Quanta's CPU submission to v6.0: 21.57 M tokens over about 24,700 sequences.
INPUT_TOKENS = {"llama2-70b": 221.3, "llama3.1-405b": 9400.0, "llama3.1-8b": 870.0}
#: The format of the cache wherever a submission's configuration states one (closed/NVIDIA/configs, AMD's scripts).
CACHE = "fp8"


def benchmark(line: Line) -> str:
    """The benchmark without its accuracy target: ``llama2-70b`` of ``llama2-70b-99.9``."""
    return line.name("model").removesuffix("-99.9").removesuffix("-99")


def unusable(line: Line) -> str:
    """Why a row cannot be used, empty where it can."""
    model, kind = benchmark(line), line.name("accelerator_class")
    if (scenario := line.name("scenario")) != "Offline":
        return f"{scenario}: arrivals and latency limits, not speed alone, set its tokens per second"
    if kind.startswith("CPU"):
        return "runs on CPUs"
    if kind.startswith("mixed"):
        return "mixes accelerators"
    if model.startswith("gptj"):
        return "gptj: beam search multiplies the work, and its tokens are a fixed 69 per sample"
    if model not in INPUT_TOKENS:
        return f"{model}: the mean length of its prompts is not known"
    return "" if line.text("output_tokens_per_sample") else "no output_tokens_per_sample"


def read_result(line: Line) -> tuple[list[Measured], list[Skipped]]:
    """The output tokens per second of a whole system, with a batch that fills the memory (None).

    Raises:
        BadFile: a figure is no number or absent.
    """
    parts = (line.name(column) for column in ("round", "submitter", "system", "model", "scenario"))
    number = line.where.rsplit(" ", 1)[-1]
    name = "-".join(("mlperf", *("_".join(part.split()) for part in parts), number))
    if why := unusable(line):
        return [], [(name, why)]
    model = benchmark(line)
    row = Measured(
        id=name,
        source=line.name("source_path"),
        framework=line.text("framework"),
        model=MODELS[model],
        accelerator=line.name("accelerator_class").removesuffix(" virtualized").removesuffix(" CTS"),
        metric="output_tok_s_total",
        value=line.required("tokens_per_s"),
        devices=line.whole("n_accelerators"),
        weight_dtype=line.text("weight_dtype"),
        kv_dtype=CACHE,
        input_tokens=INPUT_TOKENS[model],
        output_tokens=line.required("output_tokens_per_sample"),
        notes=joined(f"MLPerf Inference {line.name('round')}", line.text("availability"), line.text("flags")),
    )
    return [row], []
