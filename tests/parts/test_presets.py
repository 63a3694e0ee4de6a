"""The shipped presets: every figure sourced, dense and one-way, and every name found."""

import re
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.parts import catalog
from infercost.parts.accelerator import FIGURES, MEMORY_BASES, find_rate, memory_key, rate_for
from infercost.parts.formats import FORMATS, WEIGHTS
from infercost.parts.preset import Preset
from tests.conftest import ROOT, Run

ACCELERATORS = [catalog.load("accelerators", name) for name in catalog.names("accelerators")]
PRESETS = [
    *ACCELERATORS,
    *(
        catalog.load(family, name)
        for family in ("efficiency", "traffic", "workloads")
        for name in catalog.names(family)
    ),
]


def named(preset: Any) -> str:
    return preset.name if isinstance(preset, Preset) else str(preset)


def test_formats_take_the_bytes_of_their_names() -> None:
    """Bits over eight; of four-bit formats with the scales of their groups: 32 or 16 of 8 bits, 64 of 16, 128 of 20."""
    halves = {"fp32": 8, "tf32": 8, "bf16": 4, "fp16": 4, "fp8": 2, "int8": 2, "8bit": 2}
    halves |= {"fp6": 1.5, "fp4": 1, "int4": 1, "4bit": 1, "mxfp4": 4.25 / 4, "nvfp4": 4.5 / 4, "nf4": 4.5 / 4}
    halves |= dict.fromkeys(("awq", "gptq"), 4.15625 / 4)
    assert {name: format.bytes_per_value * 2 for name, format in FORMATS.items()} == halves


def test_at_least_forty_accelerators_ship() -> None:
    assert len(ACCELERATORS) >= 40


def test_every_figure_has_a_source_and_a_date() -> None:
    for preset in PRESETS:
        assert preset.facts, preset.name
        for key, fact in preset.facts.items():
            assert len(fact.source) > 5, (preset.name, key)
            assert "not sourced" not in fact.source, (preset.name, key)
            assert re.fullmatch(r"(19|20)\d\d(-\d\d){0,2}", fact.date), (preset.name, key, fact.date)


def test_no_two_presets_claim_a_name() -> None:
    claimed: dict[str, str] = {}
    for preset in ACCELERATORS:
        for name in {catalog.plain(n) for n in (preset.name, *preset.labels["aliases"].split(", "))}:
            assert name not in claimed, f"{name}: {preset.name} and {claimed[name]}"
            claimed[name] = preset.name


@pytest.mark.parametrize("part", ACCELERATORS, ids=named)
def test_rates_are_dense(part: Preset) -> None:
    """A sparse figure in a dense column shows as a ratio that is no power of two."""
    rates = {key.removeprefix("flops_"): fact.value for key, fact in part.facts.items() if key.startswith("flops_")}
    if {"fp8", "bf16"} <= rates.keys() and part.name != "rubin-nvl72":  # pre-release: 4.4 by its own page
        ratio = rates["fp8"] / rates["bf16" if part.name != "dgx-spark-gb10" else "fp16_accumulate"]  # bf16 is halved
        others = ("gaudi3", "trainium3", "tpu-8i", "mi455x")
        assert ratio == pytest.approx(1, abs=0.01) or 1.9 <= ratio <= 2.1 or part.name in others
    if part.labels["kind"] in ("gpu", "superchip") and "bf16" in rates:
        assert rates["bf16"] / part.value("memory_bandwidth") < 620, "a balance that only sparsity reaches"


def test_rates_of_mi455x_are_those_of_its_dense_instructions() -> None:
    """256 processors of 8,192 operations of 16 bits a clock at 2.4 GHz; FP8 takes a quarter of them, FP4 an eighth.

    LLVM's gfx1250 gives 16x16x32 of 16 bits 8 clocks, 16x16x64 of FP8 4, and 32x16x128 of FP4 8; sparse ones are apart.
    """
    part, sixteen = catalog.accelerator("mi455x"), 256 * 8192 * 2.4e9
    assert part.value("flops_bf16") == pytest.approx(sixteen, rel=0.005)
    assert part.value("flops_fp8") == pytest.approx(sixteen * (16 * 16 * 64 / 4) / (16 * 16 * 32 / 8), rel=0.005)
    assert part.value("flops_fp4") == pytest.approx(sixteen * (32 * 16 * 128 / 8) / (16 * 16 * 32 / 8), rel=0.005)


def test_reported_memory_is_near_its_label() -> None:
    both = [part for part in ACCELERATORS if {"memory_reported", "memory"} <= {*part.facts}]
    shares = {part.name: part.value("memory_reported") / part.value("memory") for part in both}
    assert len(shares) > 20
    assert {name: share for name, share in shares.items() if not 0.93 <= share <= 1.08} == {}


#: NVIDIA's parts without a log of a driver: a note's round numbers, those not sold, memory shared with a CPU.
UNLOGGED = {"b100-sxm", "dgx-spark-gb10", "dgx-station-gb300", "h100-note", "rubin-nvl72"}
UNLOGGED |= {"jetson-agx-orin", "jetson-orin-nano", "jetson-thor"}


def test_programs_see_a_little_less_than_the_driver_reports() -> None:
    parts = [catalog.accelerator(name) for name in catalog.accelerators()]
    both = [part for part in parts if part.labels.get("vendor") == "NVIDIA" and {*MEMORY_BASES} <= {*part.facts}]
    assert {"rtx-3090", "rtx-4090", "rtx-5090", "rtx-pro-6000", "l20", "h100-nvl"} <= {part.name for part in both}
    shares = {part.name: part.value("memory_engine") / part.value("memory_reported") for part in both}
    assert {name: share for name, share in shares.items() if not 0.95 < share < 1} == {}


def test_two_cards_of_24_gb_hold_as_much_within_a_hundredth() -> None:
    """One counted by a program's log and the other by the driver held 400 MB more."""
    older, newer = (catalog.accelerator(name) for name in ("rtx-3090", "rtx-4090"))
    assert memory_key(older, nominal=False) == memory_key(newer, nominal=False) == "memory_engine"
    assert newer.value("memory_engine") == pytest.approx(older.value("memory_engine"), rel=0.01)


def test_every_part_of_a_maker_counts_its_memory_as_its_driver_does() -> None:
    sold = {part.name for part in ACCELERATORS if part.labels["vendor"] == "NVIDIA" and part.labels["kind"] == "gpu"}
    assert {name for name in sold if "memory_reported" not in catalog.accelerator(name).facts} <= UNLOGGED


@pytest.mark.parametrize(("export", "sold"), [("h800", "h100"), ("a800", "a100-80gb"), ("l20", "l40s"), ("a40", "l40")])
def test_a_part_with_the_memory_of_another_holds_as_much(export: str, sold: str) -> None:
    """What differs is the link or the chip: the boards of 80 GB and of 48 GB are the same."""
    one, other = catalog.accelerator(export), catalog.accelerator(sold)
    assert one.value("memory_reported") == other.value("memory_reported")


def test_as_many_h800_as_h100_hold_the_weights_of_deepseek_v3(run: Run) -> None:
    """671e9 weights of 8 bits and what vLLM sets aside; 9 x 81,559 MiB x 90% is 692.7e9 B, 8 of them 615.7e9."""
    for gpu in ("h800:8", "h100:8"):
        said = run("fit", "--gpu", gpu, "--model", "deepseek-v3", "--json")
        assert (said.code, said.json["results"]["gpus_for_weights"]) == (3, 9)


@pytest.mark.parametrize("name", ["q4_0", "q4_k_m", "q5_k_m", "q3_k_m", "q8_0"])
def test_a_file_of_few_bits_is_multiplied_in_8_where_16_have_no_rate(name: str) -> None:
    """llama.cpp quantizes what meets them to 8 bits; a part with both rates keeps that of 16 bits for the few."""
    assert rate_for(catalog.accelerator("snapdragon-x2"), WEIGHTS[name]).name == "int8"
    assert rate_for(catalog.accelerator("a100"), WEIGHTS[name]).name == ("int8" if name == "q8_0" else "bf16")


def test_h100_is_the_datasheet_and_h100_note_the_note() -> None:
    h100, note = catalog.accelerator("h100"), catalog.accelerator("h100-note")
    assert h100.name == "h100-sxm"
    assert (h100.value("flops_fp8"), h100.value("memory_bandwidth")) == (1978.9e12, 3.35e12)
    assert (h100.value("memory"), h100.value("memory_reported")) == (80e9, 81559 * 2**20)
    assert h100.value("memory_engine") == pytest.approx(79.19 * 2**30)
    assert {key: note.value(key) for key in ("flops_fp8", "memory_bandwidth", "memory", "link_bandwidth", "power")} == {
        "flops_fp8": 3e15,
        "memory_bandwidth": 3e12,
        "memory": 80e9,
        "link_bandwidth": 1e12,
        "power": 700,
    }


#: Names that people, logs and published tables use.
LABELS = {
    "h100": "h100-sxm",
    "H100_SXM": "h100-sxm",
    "h100-sxm-80gb": "h100-sxm",
    "NVIDIA H100-SXM-80GB": "h100-sxm",
    "H100-80GB SXM (HBM3)": "h100-sxm",
    "h100 pcie": "h100-pcie",
    "h100-nvl-94gb": "h100-nvl",
    "h200-sxm-141gb": "h200-sxm",
    "NVIDIA H200-NVL-141GB": "h200-nvl",
    "a100": "a100-sxm-80gb",
    "a100-80gb": "a100-sxm-80gb",
    "a100-40gb": "a100-sxm-40gb",
    "a100-sxm-40gb": "a100-sxm-40gb",
    "b200-sxm-180gb": "b200-sxm",
    "b200-179gb": "b200-sxm",
    "gb200-192gb": "gb200-nvl72",
    "gh200-480gb": "gh200-96gb",
    "NVIDIA GB300": "gb300-nvl72",
    "4090": "rtx-4090",
    "rtx4090": "rtx-4090",
    "rtx-4090-24gb": "rtx-4090",
    "rtx-pro-6000-blackwell-96gb": "rtx-pro-6000",
    "RTX A6000 48GB": "rtx-a6000",
    "rtx-3090-24gb": "rtx-3090",
    "l40s-48gb": "l40s",
    "l4-24gb": "l4",
    "a40-48gb": "a40",
    "mi300x-192gb": "mi300x",
    "AMD Instinct MI300X 192GB HBM3": "mi300x",
    "AMD Instinct MI325X 256GB HBM3e": "mi325x",
    "gaudi2-96gb": "gaudi2",
    "m3-max": "apple-m3-max",
    "m2-ultra-76c-192gb": "apple-m2-ultra",
    "h800-sxm-80gb": "h800-sxm",
    "h20-96gb": "h20",
    "sn40l": "sn40l",
    "mi250-128gb": "mi250",
    "brain": "human-brain",
    "T4": "t4",
    "a10g": "a10g",
    "trainium2": "trainium2",
    "tpu v5e": "tpu-v5e",
    "groq": "groq-lpu-v1",
    "dgx-spark": "dgx-spark-gb10",
    "strix-halo": "ryzen-ai-max-395",
}


@pytest.mark.parametrize(("label", "name"), LABELS.items())
def test_every_usual_name_is_found(label: str, name: str) -> None:
    assert catalog.find("accelerators", label)[0] == name


@pytest.mark.parametrize(
    ("part", "format", "rate", "flops"),
    [
        ("h100", "8bit", "fp8", 1978.9e12),
        ("a100", "8bit", "int8", 624e12),
        ("a100", "fp8", "bf16", 312e12),
        ("v100", "bf16", "fp16", 125e12),
        ("b300", "int8", "int8", 153.5e12),
        ("b300", "8bit", "fp8", 4500e12),
        ("h100", "int4", "bf16", 989.4e12),
        ("b200", "fp4", "fp4", 9000e12),
        ("h100", "fp4", "bf16", 989.4e12),
        ("tpu-v5p", "8bit", "int8", 918e12),
        ("4090", "bf16", "bf16", 165.2e12),
        ("m3-max", "8bit", "bf16", 14.2e12),  # 40 cores, 256 operations a clock in 16 bits as in 32
        ("dgx-spark", "fp8", "fp8", 246e12),  # 48 multiprocessors of 2048 a clock at 2.5 GHz
    ],
)
def test_arithmetic_runs_at_the_rate_that_the_part_has(part: str, format: str, rate: str, flops: float) -> None:
    found = rate_for(catalog.accelerator(part), FORMATS[format])
    assert (found.name, found.fact.value) == (rate, flops)


def test_a_part_without_a_rate_says_so() -> None:
    assert find_rate(catalog.accelerator("cerebras-wse3"), FORMATS["8bit"]) is None


def test_ideal_counts_what_is_sold_and_others_what_an_engine_sees() -> None:
    assert memory_key(catalog.accelerator("h100"), nominal=True) == "memory"
    assert memory_key(catalog.accelerator("h100"), nominal=False) == "memory_engine"
    assert memory_key(catalog.accelerator("gb200"), nominal=False) == "memory_reported"
    assert memory_key(catalog.accelerator("tpu-v5e"), nominal=False) == "memory"


def test_every_figure_key_is_known_to_the_glossary_of_presets() -> None:
    kinds = ("gpu", "tpu", "accelerator", "soc", "cpu", "superchip", "wafer", "reference")
    assert [part.name for part in ACCELERATORS if not set(part.facts) <= set(FIGURES)] == []
    assert [part.name for part in ACCELERATORS if part.labels["kind"] not in kinds] == []


BROKEN = {
    "hour: {values: [1], source: A}\nburstiness: {value: 2, source: A}": "did you mean hours?",
    "memory: 80GB\nmemory_bandwidth: {value: 3TB/s, source: A}": "memory has no source",
    "name: x\nsource: {title: t, date: 2025}\nconfg: {}": "did you mean config?",
    "name: [x": "line 2",
}


@pytest.mark.parametrize(("text", "said"), BROKEN.items())
def test_a_broken_file_is_answered_as_what_it_looks_like(text: str, said: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(f"{text}\n")
    assert said in run("presets", "show", str(path)).err


def test_a_file_of_each_family_is_shown(run: Run) -> None:
    for family in ("accelerators", "efficiency", "models", "traffic", "workloads"):
        path = sorted((ROOT / "presets" / family).glob("*.yaml"))[0]
        assert run("presets", "show", str(path)).code == 0


#: GDDR cards of desktops and workstations by their GiB: logs of nvidia-smi say 24,564 MiB of a 3090 Ti, 12,288 of a
#: 3060, 16,376 of a 4080 SUPER and 12,227 of a 5070.
GDDR = [
    *(("3090-ti", 24), ("3090", 24), ("4090", 24), ("p40", 24), ("rx-7900-xtx", 24), ("rtx-a5000", 24)),
    *(("3060", 12), ("5070", 12), ("b580", 12), ("4070", 12), ("4070-ti", 12), ("3080", 10), ("3080-12gb", 12)),
    *(("4080", 16), ("4080-super", 16), ("5080", 16), ("5070-ti", 16), ("4060-ti-16gb", 16), ("rx-9070-xt", 16)),
    *(("4060", 8), ("a6000", 48), ("v100-32gb", 32), ("5090-d", 32), ("rtx-pro-5000", 48), ("rtx-pro-5000-72gb", 72)),
]


@pytest.mark.parametrize(("name", "gib"), GDDR)
def test_cards_of_a_size_are_counted_alike_in_binary_units(name: str, gib: int) -> None:
    """A driver or PyTorch keeps up to 3.5% for itself; a decimal gigabyte is 6.9% less than a binary one."""
    part = catalog.accelerator(name)
    counted = part.value(memory_key(part, nominal=False))
    assert 0.965 <= counted / (gib * 2**30) <= 1


def test_a_token_at_a_context_takes_its_attention_too(run: Run) -> None:
    """Qwen3 235B: 94 layers x 4 x 64 heads x 128 FLOP an entry, of 32,000 98.57 GFLOP beside the matrices' 43.14."""
    document = run("presets", "show", "qwen3-235b-a22b", "--context", "32k", "--json").json
    results, attention = document["results"], 94 * 4 * 64 * 128 * 32_000
    assert results["flops_per_token_full"] == results["flops_per_token"] + attention
    assert "a token takes 141.7 GFLOP at 32,000 tokens of context, 43.14 GFLOP at none" in document["verdict"]
    assert results["kv_bytes_per_sequence"] == 32_000 * 94 * 2 * 4 * 128 * 2
    assert document["inputs"]["context"] == 32_000


def test_a_model_is_shown_in_a_format(run: Run) -> None:
    """FP8 leaves tables and norms of Llama 3.1 8B in 16 bits: 6.979e9 matrix parameters of 1 B and the rest of 2."""
    document = run("presets", "show", "llama-3.1-8b", "--dtype", "fp8", "--json").json
    parts = {part: document["results"][f"{part}_params"] for part in ("attention", "ffn", "embedding", "head", "norms")}
    matrices = parts.pop("attention") + parts.pop("ffn")
    assert document["results"]["weight_bytes"] == matrices + 2 * sum(parts.values())
    assert "32 layers, 9.081 GB in fp8; a token takes" in document["verdict"]


def test_two_models_are_shown_at_one_context(run: Run) -> None:
    rows = run("presets", "show", "llama-3.1-8b", "qwen3-8b", "--context", "8k", "--json").json["rows"]
    assert [row["kv_bytes_per_sequence"] for row in rows] == [8_000 * n * 2 * 8 * 128 * 2 for n in (32, 36)]


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("show llama-3.1-8b --context 200k", "--context 200,000 is more than llama-3.1-8b was made for"),
        ("show h100 --context 8k", "--context is of a model"),
        ("show h100 h200 --dtype fp8", "--dtype is of a model"),
        ("list --dtype fp8", "presets list has no --dtype"),
    ],
)
def test_a_context_and_a_format_are_of_models(asked: str, what: str, run: Run) -> None:
    result = run("presets", *asked.split())
    assert (result.code, result.out) == (2, "")
    assert what in result.err


def test_a_list_has_memory_as_sold_and_as_engines_count_it(run: Run) -> None:
    """79.19 GiB of the 80 GB of an H100 are what its engines see, by a start-up log, and what fit plans with."""
    row = next(row for row in run("presets", "list", "h100", "--json").json["rows"] if row["name"] == "h100-sxm")
    assert (row["memory_bytes"], row["usable_memory_bytes"]) == (80e9, pytest.approx(79.19 * 2**30))
    assert infercost.fit(gpu="h100:1", model="llama-3.1-8b")["memory_per_gpu_bytes"] == row["usable_memory_bytes"]
    assert "80 GB of memory (85.03 GB as engines count it)" in run("presets", "show", "h100", "--json").json["verdict"]


def test_a_list_has_the_source_of_each_figure_where_sources_are_asked_for(run: Run) -> None:
    """Rates of every format among them, and a model's parameters by its config; else no file is read."""
    assert run("presets", "list", "h100", "--json").json["sources"] == []
    sources = {each["key"]: each for each in run("presets", "list", "h100", "--json", "--sources").json["sources"]}
    assert sources["h100-sxm.flops_fp8"]["value"] == 1978.9e12
    assert sources["h100-pcie.link_domain"]["source"].startswith("NVIDIA on the H100 PCIe")
    assert all(each["source"] and each["date"] for each in sources.values())
    params = run("presets", "list", "llama-3.1-405b", "--json", "--sources").json["sources"][0]
    assert (params["key"], params["source"][:42]) == (
        "llama-3.1-405b.total_params",
        "meta-llama/Meta-Llama-3.1-405B config.json",
    )
