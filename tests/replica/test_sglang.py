"""SGLang: what a release captures and fuses by itself, and the first token of its benchmarks."""

import pytest

import infercost
from infercost.errors import BadValue, UnknownName
from infercost.evidence.predict import Measured, settings_of, stack_of
from infercost.models.families.table import FAMILIES
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import Chip, Engine
from infercost.replica.kernels import Timing, engine_of
from infercost.replica.layout import Layout
from infercost.replica.work import Load

ROW = Measured("r", "s", "SGLang 0.5.8", "qwen3-8b", "h100-sxm", "ttft_ms", 1.0, year=2026, batch=1.0)


def timing(model: str, part: str, profile: str, layout: Layout = Layout()) -> Timing:  # noqa: B008
    accelerator = catalog.accelerator(part)
    names = accelerator.labels["architecture"], "other"
    chip = Chip(accelerator, *(catalog.load("architectures", name) for name in names))
    engine = engine_of(accelerator, complete(catalog.load("efficiency", profile)))
    return Timing(find_model(model).model, layout, chip, engine)


@pytest.mark.parametrize(
    ("profile", "model", "layout", "tokens"),
    [
        ("sglang", "qwen3-8b", Layout(), 16384),
        ("sglang", "deepseek-v3", Layout(8), 2048),
        ("sglang@0.5.10", "qwen3-8b", Layout(), 16384),
        ("sglang@0.5.9", "qwen3-8b", Layout(), 0),
        ("sglang-tuned@0.5.8", "deepseek-v3", Layout(8), 0),
        ("sglang", "qwen3-8b", Layout(1, 2), 0),
        ("vllm", "qwen3-8b", Layout(1, 2), 512),
    ],
)
def test_prompts_that_a_graph_holds(profile: str, model: str, layout: Layout, tokens: int) -> None:
    """SGLang captures prompts since 0.5.10, 2,048 tokens with latents, none over several stages (its release notes)."""
    assert timing(model, "h200", profile, layout).captured == tokens


@pytest.mark.parametrize(
    ("profile", "model", "part", "ranks", "factor"),
    [
        ("sglang", "minimax-m2.5", "b200", 8, 1.6),
        ("sglang", "qwen3-235b-a22b", "b200", 8, 1.0),
        ("sglang@0.5.8", "qwen3-235b-a22b", "b200", 8, 1.6),
        ("sglang", "qwen3-30b-a3b", "b200", 1, 1.6),
        ("sglang", "qwen3-235b-a22b", "h200", 8, 1.6),
        ("sglang@0.5.8", "deepseek-v3", "b200", 8, 1.0),
        ("sglang@0.5.8", "deepseek-v3.2", "b200", 8, 1.6),
        ("sglang-tuned", "minimax-m2.5", "b200", 8, 1.0),
        ("sglang", "qwen3-vl-235b-a22b", "b200", 8, 1.0),
        ("sglang", "qwen3-vl-32b", "b200", 8, 1.6),
        ("sglang", "qwen3.5-27b", "b200", 2, 1.0),
        ("sglang", "kimi-k2.5", "b200", 8, 1.0),
    ],
)
def test_families_that_are_fused_by_themselves(profile: str, model: str, part: str, ranks: int, factor: float) -> None:
    assert timing(model, part, profile, Layout(ranks)).unfused == factor


@pytest.mark.parametrize(
    ("profile", "model", "part", "ranks", "row"),
    [
        ("sglang", "minimax-m2.5", "b200", 8, "fp8_block_triton"),
        ("sglang", "mixtral-8x7b", "b200", 1, "bf16_triton"),
        ("sglang@0.5.8", "qwen3-235b-a22b", "b200", 8, "bf16_triton"),
        ("sglang", "qwen3-235b-a22b", "b200", 8, "bf16"),
        ("sglang", "qwen3-30b-a3b", "b200", 1, "bf16"),
        ("sglang", "deepseek-v3.2", "b200", 8, "fp8_block"),
        ("sglang-tuned", "minimax-m2.5", "b200", 8, "fp8_block"),
        ("sglang", "minimax-m2.5", "h200", 8, "fp8_block"),
        ("vllm", "minimax-m2.5", "b200", 8, "fp8_block"),
    ],
)
def test_experts_that_are_not_fused_run_in_triton(profile: str, model: str, part: str, ranks: int, row: str) -> None:
    """On data-centre Blackwell SGLang takes fused experts for listed families and latents (its server_args.py)."""
    one = timing(model, part, profile, Layout(ranks))
    assert [kernel for _, kernel in one.experts] == [one.chip.kernel("experts", row)]


def test_triton_reaches_less_of_the_chip() -> None:
    """SGLang 0.5.14 on B200, MiniMax-M2.5's shape on two ranks, 64 tokens alike: 417 us measured, with routing."""
    slow, fast = (timing("minimax-m2.5", "b200", name, Layout(2)) for name in ("sglang", "sglang-tuned"))
    ((each, kernel),), ((_, fused),) = slow.experts, fast.experts
    assert (kernel.launch, kernel.row_bytes) == (fused.launch, fused.row_bytes)
    times = [each.weights * each.experts / one.bandwidth + one.launch for one in (kernel, fused)]
    assert times[1] < times[0] < 417e-6


def test_every_family_that_is_fused_is_one_that_models_have() -> None:
    """A name that no model is read under would never be fused; composite models have ``..._text`` of it."""
    listed = catalog.load("efficiency", "sglang").labels["fused_families"].split(", ")
    read = {find_model(name).model.family.removesuffix("_text") for name in catalog.names("models")}
    assert set(listed) <= read & set(FAMILIES)


def test_prompts_wait_for_the_host_that_launches_them() -> None:
    """Before 0.5.10 a prompt takes 9.5 times its launches, 100 us of the host and 9 us a sequence."""
    old, new = (timing("qwen3-8b", "h100", f"sglang@0.5.{patch}") for patch in (9, 10))
    prompt = Load(0, 0, 1, 64, 1)
    launches = old.pass_of(prompt).spent[4]
    assert old.pass_of(prompt).step == pytest.approx(9.5 * launches + 109e-6, rel=1e-9)
    assert new.pass_of(prompt).step < old.pass_of(prompt).step / 2
    assert old.pass_of(Load(8, 1000)).step == new.pass_of(Load(8, 1000)).step


def test_amd_never_captures() -> None:
    assert engine_of(catalog.accelerator("mi300x"), complete(catalog.load("efficiency", "sglang"))).captured_tokens == 0


def test_runs_without_a_release_captured_nothing() -> None:
    row = ROW._replace(framework="SGLang nightly")
    profile = stack_of(row, "NVIDIA")
    assert settings_of(row, profile)["captured_tokens"] == 0
    assert "captured_tokens" not in settings_of(ROW, stack_of(ROW, "NVIDIA"))
    assert {*settings_of(row, profile)} <= {*Engine._fields}


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "sglang@0.5.8"),
        ({"flags": "tuned"}, "sglang-tuned@0.5.8"),
        ({"notes": "InferenceX"}, "sglang-tuned@0.5.8"),
        ({"notes": "InferenceX", "flags": "default"}, "sglang@0.5.8"),
        ({"id": "aic-7"}, "sglang-tuned@0.5.8"),
    ],
)
def test_flags_of_a_run(more: dict[str, str], name: str) -> None:
    assert stack_of(ROW._replace(**more), "NVIDIA").name == name


def test_both_numbers_stand_in_the_answer() -> None:
    asked = {"gpu": "b200:4", "model": "minimax-m2.5", "batch": 1, "tp": 4}
    report = infercost.utilization(**asked, efficiency="sglang")
    note = next(note.text for note in report.notes if note.code == "tuned")
    tuned = infercost.utilization(**asked, efficiency="sglang-tuned")
    assert f"{tuned.values['tpot_s'] * 1e3:.4g} ms a token" in note
    assert report.values["tpot_s"] > 1.2 * tuned.values["tpot_s"]
    assert all(note.code != "tuned" for note in tuned.notes)


@pytest.mark.parametrize("name", ["vllm@v0.10.0", "vllm@0.10", "vllm==0.10.0", "vllm-0.10", "vLLM v0.10.0"])
def test_a_release_is_read_as_people_write_it(name: str) -> None:
    assert catalog.load("efficiency", name) == catalog.load("efficiency", "vllm@0.10.0")
    assert catalog.load("efficiency", "vllm-0.19") == catalog.load("efficiency", "vllm")  # a name of its own
    assert catalog.load("efficiency", "vllm-2024").name == "vllm-2024"


def test_a_release_that_no_profile_knows() -> None:
    with pytest.raises(BadValue, match="no release"):
        catalog.load("efficiency", "sglang@newest")
    with pytest.raises(BadValue, match="no figures by release"):
        catalog.load("efficiency", "llama.cpp@1.2.3")
    with pytest.raises(UnknownName):
        catalog.load("efficiency", "sglan@0.5.8")
