"""Quantized checkpoints: which modules a scheme touches, in how many bits, and what is refused by its key's name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infercost.errors import BadFile
from infercost.models.families.config import Config
from infercost.models.families.table import family_of, layers_of, read_model
from infercost.models.find import typed
from infercost.parts import catalog
from infercost.parts.files import read_mapping
from tests.conftest import Run, calls_of
from tests.models.test_config import LLAMA
from tests.models.test_families import CASES, DEEPSEEK

MOE = {
    **LLAMA,
    "model_type": "qwen3_moe",
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 768,
    "head_dim": 128,
    "num_hidden_layers": 4,
    "mlp_only_layers": [0],
}
INT4 = {"num_bits": 4, "type": "int", "group_size": 32, "strategy": "group", "symmetric": True}
FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}


def read(settings: Any, base: dict[str, Any] = MOE) -> Any:
    return read_model({**base, "quantization_config": settings}, "test", "model test").quantization


def groups(*each: tuple[Any, list[str]], **more: Any) -> dict[str, Any]:
    """A compressed-tensors block of so many groups of weights and targets."""
    inside = {f"group_{i}": {"weights": weights, "targets": targets} for i, (weights, targets) in enumerate(each)}
    return {"quant_method": "compressed-tensors", "config_groups": inside, **more}


@pytest.mark.parametrize(
    ("settings", "attention", "ffn", "experts", "head"),
    [
        (groups((INT4, ["re:.*experts.*"]), (FP8, ["re:.*self_attn.*"])), 8, 16, 4.5, 16),
        (groups((FP8, ["re:.*self_attn.*"])), 8, 16, 16, 16),
        (groups((FP8, ["Linear"]), (INT4, ["re:.*mlp.experts.*"])), 8, 8, 4.5, 8),
        (groups((INT4, ["Linear"]), ignore=["lm_head", "re:.*self_attn.*"]), 16, 4.5, 4.5, 16),
        (groups((INT4, ["Linear"]), ignore="lm_head"), 4.5, 4.5, 4.5, 16),
        (groups((FP8, ["model.layers.1.self_attn"]), (INT4, ["Linear"])), (8 + 3 * 4.5) / 4, 4.5, 4.5, 4.5),
        (groups((INT4, ["Linear"]), ignore=["model.layers.0.mlp.gate_proj"]), 4.5, (16 + 2 * 4.5) / 3, 4.5, 4.5),
        (groups(({**INT4, "symmetric": False}, ["Linear"])), 4.625, 4.625, 4.625, 4.625),
        (groups(({**INT4, "type": "float", "group_size": 16}, ["Linear"])), 4.5, 4.5, 4.5, 4.5),
        (groups(({**INT4, "type": "float"}, ["Linear"])), 4.25, 4.25, 4.25, 4.25),
        (groups(({**FP8, "group_size": 32}, ["Linear"]), format="mxfp8-quantized"), 8.25, 8.25, 8.25, 8.25),
        (groups(({"num_bits": 8, "type": "int", "group_size": None}, ["Linear"])), 8, 8, 8, 8),
        (groups((INT4, ["Linear"]), format="dense"), 16, 16, 16, 16),
        ({"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head", "self_attn"]}, 16, 8, 8, 16),
        # scales of eight bits for 32 values, or of 16 for 128; a zero point of four bits beside the latter
        ({"quant_method": "modelopt", "quant_algo": "MXFP8", "exclude_modules": ["lm_head"]}, 8.25, 8.25, 8.25, 16),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_AWQ", "exclude_modules": ["lm_head"]}, *[4.125] * 3, 16),
        ({"quant_method": "modelopt", "quant_algo": "W4A8_MXFP4_FP8", "exclude_modules": ["lm_head"]}, *[4.25] * 3, 16),
        (
            {"quant_method": "modelopt", "quantization": {"quant_algo": "NVFP4", "exclude_modules": ["lm_head"]}},
            *[4.5] * 3,
            16,
        ),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": True}, *[4.15625] * 4),
        ({"quant_method": "gptq_marlin", "bits": 4, "group_size": 128}, *[4.15625] * 3, 16),
        ({"quant_method": "auto_awq", "bits": 4, "group_size": 128}, *[4.15625] * 3, 16),
        # sgl-project/sglang's w4afp8: experts of four bits, and FP8 with a scale for 128 x 128
        ({"quant_method": "w4afp8", "weight_block_size": [128, 128]}, 8 + 1 / 512, 8 + 1 / 512, 4.125, 16),
        ({"quant_method": "fp_quant", "forward_dtype": "mxfp4"}, *[4.25] * 3, 16),
        ({"quant_method": "eetq", "weights": "int8"}, 8, 8, 8, 16),
        ({"quant_method": "bitnet", "quantization_mode": "offline"}, 2, 2, 2, 16),
        ({"quant_method": "exl3", "bits": 3.5, "head_bits": 6}, 3.5, 3.5, 3.5, 6),
        ({"quant_method": "fp8", "modules_to_not_convert": "self_attn"}, 16, 8, 8, 16),
        ({"quant_method": "experts_int8"}, 16, 16, 8, 16),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 8, 8, 8, 16),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True}, *[4 + 20 / 128] * 3, 16),
        (
            {
                "quant_method": "intel/auto-round",
                "bits": 4,
                "group_size": 128,
                "extra_config": {"model.layers.0.mlp": {"bits": 16}, ".*self_attn.*": {"bits": 8}},
            },
            8 + 24 / 128,
            16,
            4 + 20 / 128,
            16,
        ),
        (
            {"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*self_attn.*": {}}},
            16,
            4 + 20 / 128,
            4 + 20 / 128,
            16,
        ),
        (
            {"group_size": 64, "bits": 4, "lm_head": {"group_size": 64, "bits": 8}, "model.layers.0.mlp": False},
            4.5,
            16,
            4.5,
            8.5,
        ),
        ({"group_size": 32, "bits": 4, "mode": "mxfp4"}, 4.25, 4.25, 4.25, 4.25),
        (
            {
                "quant_method": "hqq",
                "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}},
                "skip_modules": ["lm_head"],
            },
            4.5,
            4.5,
            4.5,
            16,
        ),
        (
            {"quant_method": "torchao", "quant_type": "int4_weight_only", "quant_type_kwargs": {"group_size": 32}},
            5,
            5,
            5,
            16,
        ),
        (
            {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}},
            8,
            8,
            8,
            16,
        ),
        (
            {
                "quant_method": "torchao",
                "quant_type": {"default": {"_type": "Float8DynamicActivationFloat8WeightConfig", "_data": {}}},
                "modules_to_not_convert": ["self_attn"],
            },
            16,
            8,
            8,
            16,
        ),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {"weight": {"dtype": "fp8_e4m3", "qscheme": "per_tensor"}},
                "exclude": ["lm_head"],
            },
            8,
            8,
            8,
            16,
        ),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {
                    "weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "scale_format": "e8m0"}
                },
                "layer_quant_config": {"*self_attn*": {"weight": {"dtype": "fp8_e4m3", "qscheme": "per_channel"}}},
                "exclude": ["lm_head", "re:.*mlp.gate$"],
            },
            8,
            4.25,
            4.25,
            16,
        ),
    ],
    ids=lambda value: json.dumps(value)[:90],
)
def test_every_module_has_the_bits_of_its_own_rule(
    settings: dict[str, Any], attention: float, ffn: float, experts: float, head: float
) -> None:
    """Four layers, the first without experts: a 16-bit scale a group unless the form says otherwise."""
    quantization = read(settings)
    assert [quantization.of(part) for part in ("attention", "ffn", "experts", "head")] == pytest.approx(
        [attention, ffn, experts, head]
    )


def test_exceptions_weigh_by_what_a_layer_holds() -> None:
    """The list of Llama-3.1-405B-FP8: all attention and the first and last feed-forward part stay in 16 bits."""
    llama = {**LLAMA, "num_hidden_layers": 126, "hidden_size": 16384, "intermediate_size": 53248}
    names = [f"model.layers.{i}.self_attn.{name}_proj" for i in range(126) for name in "qkvo"]
    names += [f"model.layers.{i}.mlp.{name}_proj" for i in (0, 125) for name in ("gate", "up", "down")]
    quantization = read({"quant_method": "fbgemm_fp8", "modules_to_not_convert": names}, llama)
    assert (quantization.of("attention"), quantization.of("head")) == (16, 16)
    assert quantization.of("ffn") == pytest.approx((124 * 8 + 2 * 16) / 126)


KEPT = {
    "keys and values": (["k_proj", "v_proj"], (16 * 2 + 8 * 8) / 10, 8, 8),
    "a fused name": (["self_attn.qkv_proj"], (16 * 6 + 8 * 4) / 10, 8, 8),
    "output of one layer": (["model.layers.2.self_attn.o_proj"], 8 + 8 * 0.4 / 4, 8, 8),
    "by a glob": (["model.layers.2.self_attn.*"], 8 + 8 / 4, 8, 8),
    "by a glob inside": (["model.layers.*.self_attn.o_proj"], 8 + 8 * 0.4, 8, 8),
    "a block by a glob": (["model.layers.*.self_attn"], 16, 8, 8),
    "a block anywhere": (["*.experts"], 8, 8, 16),
    "by an expression": (["re:model\\.layers\\.[12]\\..*(k|v)_proj$"], 8 + 8 * 0.2 / 2, 8, 8),
    "down-projections": (["down_proj"], 8, 8 + 8 / 3, 8 + 8 / 3),
    "dense ones alone": (["mlp.down_proj"], 8, 8 + 8 / 3, 8),
    "one expert": (["model.layers.3.mlp.experts.5"], 8, 8, 8 + 8 / 24),
    "one expert everywhere": (["mlp.experts.5.up_proj"], 8, 8, 8 + 8 / 24),
    "an expert that is not there": (["mlp.experts.8"], 8, 8, 8),
    "experts by an expression": (["re:.*experts\\.[0-3]\\.up_proj"], 8, 8, 8 + 8 / 6),
    "all but attention": (["re:(?!.*self_attn)"], 8, 16, 16),
}


@pytest.mark.parametrize(("names", "attention", "ffn", "experts"), KEPT.values(), ids=KEPT)
def test_an_exception_keeps_the_matrices_that_it_names(
    names: list[str], attention: float, ffn: float, experts: float
) -> None:
    """32 query heads and 8 KV heads: of ten parts of attention four are queries, one keys, one values, four output."""
    quantization = read({"quant_method": "fp8", "modules_to_not_convert": names})
    assert [quantization.of(part) for part in ("attention", "ffn", "experts")] == pytest.approx(
        [attention, ffn, experts]
    )


def test_layers_that_keep_a_state_are_named_otherwise() -> None:
    """Qwen3-Next: 36 of 48 layers are ``linear_attn``, the others ``self_attn``; together they are all attention."""
    data = typed(read_mapping(str(catalog.shipped() / "models/qwen3-next-80b-a3b.yaml"), "preset")["config"])
    one, other = (
        read({"quant_method": "fp8", "modules_to_not_convert": [name]}, data).of("attention") - 8
        for name in ("linear_attn", "self_attn")
    )
    assert one > other > 0
    assert one + other == pytest.approx(8)


def every_config() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in catalog.names("models"):
        data = read_mapping(str(catalog.shipped() / "models" / f"{name}.yaml"), "preset")
        yield name, typed(data["config"])
    yield from ((name, case["config"]) for name, case in CASES.items())


def test_named_matrices_are_the_whole_of_every_part() -> None:
    """LongCat has two of attention and of the dense part in a layer, of which one is named."""
    for name, data in every_config():
        config = Config(data, name)
        family = family_of(config)
        config.defaults = family.defaults
        for layer in dict.fromkeys(layers_of(config, family)):  # alike layers have alike matrices
            attention, ffn = layer.attention, layer.ffn
            held = {"attention": attention.split + attention.copied, "ffn": ffn.dense, "shared": ffn.shared}
            for part, size in {**held, "experts": ffn.experts * ffn.expert}.items():
                sizes = [each for _, each in family.names.matrices(config, part, layer)] if size else []
                twice = 2 if (config.family, part) == ("longcat_flash", "attention") else 1
                assert twice * sum(sizes) == pytest.approx(size, abs=0.5), (name, layer, part)
                assert min(sizes, default=0) >= 0, (name, layer, part)


MIXED = {
    "model.layers.1.self_attn.q_proj": {"quant_algo": "FP8"},
    "model.layers.0.mlp.down_proj": {"quant_algo": "W4A16_AWQ", "group_size": 128},
    **{f"model.layers.{i}.mlp.experts": {"quant_algo": "NVFP4", "group_size": 16} for i in (1, 2)},
}


def test_a_map_of_modules_is_read_one_by_one() -> None:
    """ModelOpt's MIXED_PRECISION: what the map leaves out stays as it was."""
    settings = {"quantization": {"quant_algo": "MIXED_PRECISION", "quantized_layers": MIXED}}
    quantization = read_model(MOE, "test", "model test", settings).quantization
    parts = {part: quantization.of(part) for part in ("attention", "ffn", "experts", "head")}
    bits = {"attention": 16 - 8 * 0.4 / 4, "ffn": (32 + 4.125) / 3, "experts": (2 * 4.5 + 16) / 3, "head": 16}
    assert parts == pytest.approx(bits)


def test_thousands_of_exceptions_are_read_at_once() -> None:
    names = [f"model.layers.{i}.mlp.experts.{e}.down_proj" for i in range(3, 61) for e in range(100)]
    block, config = {"quant_method": "fp8", "modules_to_not_convert": names}, {**DEEPSEEK, "model_type": "deepseek_v3"}
    assert read(block, config).of("experts") == pytest.approx(8 + 8 * 100 / 256 / 3)
    # 18,000 modules: a rule that is tried on each of them would take as many calls
    assert calls_of(lambda: read(block, config)) < 300 * len(names)


MALFORMED = {
    "config_groups missing": ({"quant_method": "compressed-tensors"}, "config_groups"),
    "config_groups empty": ({"quant_method": "compressed-tensors", "config_groups": {}}, "config_groups"),
    "config_groups a list": ({"quant_method": "compressed-tensors", "config_groups": [1]}, "config_groups"),
    "no module named": (groups((FP8, ["re:.*nowhere.*"])), "config_groups"),
    "num_bits missing": (groups(({"type": "int"}, ["Linear"])), "num_bits"),
    "targets a number": (groups((FP8, [5])), "targets"),  # type: ignore[list-item]
    "broken target": (groups((FP8, ["re:("])), "targets"),
    "broken exception": (groups((FP8, ["Linear"]), ignore=["re:("]), "ignore"),
    "ignore a number": (groups((FP8, ["Linear"]), ignore=5), "ignore"),
    "gptq without bits": ({"quant_method": "gptq"}, "bits"),
    "awq without bits": ({"quant_method": "awq", "group_size": 128}, "bits"),
    "exl2 without bits": ({"quant_method": "exl2"}, "bits"),
    "mlx without bits": ({"group_size": 64}, "bits"),
    "mlx without group": ({"bits": 4}, "group_size"),
    "bits below zero": ({"quant_method": "gptq", "bits": -4}, "bits"),
    "bits of zero": ({"quant_method": "awq", "bits": 0}, "bits"),
    "bits a word": ({"quant_method": "gptq", "bits": "four"}, "bits"),
    "group of zero": ({"quant_method": "gptq", "bits": 4, "group_size": 0}, "group_size"),
    "block a number": ({"quant_method": "fp8", "weight_block_size": 128}, "weight_block_size"),
    "block of one": ({"quant_method": "fp8", "weight_block_size": [128]}, "weight_block_size"),
    "block of zeros": ({"quant_method": "fp8", "weight_block_size": [0, 0]}, "weight_block_size"),
    "bitsandbytes of neither": ({"quant_method": "bitsandbytes"}, "load_in_4bit"),
    "quark of nothing": ({"quant_method": "quark"}, "global_quant_config"),
    "quark of no format": ({"quant_method": "quark", "global_quant_config": {"weight": {}}}, "dtype"),
    "torchao of nothing": ({"quant_method": "torchao"}, "quant_type"),
    "a map of nothing": ({"quant_algo": "MIXED_PRECISION"}, "quantized_layers"),
    "a map to nothing": ({"quant_algo": "MIXED_PRECISION", "quantized_layers": {"a": {}}}, "quant_algo"),
    "hqq of nothing": ({"quant_method": "hqq"}, "quant_config"),
    "cache of no bits": ({"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 0}}, "num_bits"),
    "a word": ("fp8", "quantization_config"),
    "a list": ([8], "quantization_config"),
}


@pytest.mark.parametrize(("settings", "key"), MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_is_refused_by_its_key(settings: Any, key: str) -> None:
    with pytest.raises(BadFile) as error:
        read(settings)
    assert error.value.what.startswith("model test: ")
    assert key in error.value.what
    assert key in error.value.hint


def test_a_broken_block_ends_the_command_in_two_lines(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**MOE, "quantization_config": {"quant_method": "gptq", "bits": -4}}))
    result = run("fit", "--model", str(path), "--gpu", "h100:8")
    assert (result.code, result.out) == (2, "")
    assert "bits is -4" in result.err
    assert len(result.err.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "bits"),
    [
        # AutoAWQ's own keys, as vLLM 0.33 reads them; transformers 5.24's NVFP4Config, FourOverSixConfig, MetalConfig
        ({"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "zero_point": True}, 4 + 20 / 64),
        ({"quant_method": "nvfp4"}, 4.5),
        ({"quant_method": "fouroversix", "dtype": "mxfp4"}, 4.25),
        ({"quant_method": "metal", "bits": 4, "group_size": 64}, 4.5),
        ({"quant_method": "quanto", "weights": "float8"}, 8),
        # 2:4 sparse: two weights of four in 4 bits, and the places of both in 2
        (groups(({**INT4, "group_size": 128}, ["Linear"]), format="marlin-24"), 3 + 16 / 128),
    ],
)
def test_methods_of_newer_classes_and_older_keys(settings: dict[str, Any], bits: float) -> None:
    assert read(settings, LLAMA).of("attention") == pytest.approx(bits)


def test_a_block_under_vllm_s_other_key_is_read() -> None:
    found = read_model({**LLAMA, "compression_config": groups((FP8, ["Linear"]))}, "test", "model test")
    assert found.quantization.of("ffn") == 8


@pytest.mark.parametrize(
    "settings",
    [
        {"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16, "kv_cache_quant_algo": "NVFP4"},
        {**groups((FP8, ["Linear"])), "kv_cache_scheme": {"num_bits": 4, "type": "float", "group_size": 16}},
    ],
)
def test_a_cache_that_a_checkpoint_asks_for_in_nvfp4_has_its_scales(settings: dict[str, Any]) -> None:
    assert read_model({**LLAMA, "quantization_config": settings}, "test", "model test").kv_bits == 4.5


def test_a_method_that_is_not_known_asks_for_the_nearest_format(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**LLAMA, "quantization_config": {"quant_method": "aqlm", "num_codebooks": 1}}))
    refused = run("fit", "--model", str(config), "--gpu", "h100")
    assert refused.code == 2
    assert "'aqlm'" in refused.err
    assert "--dtype int4" in refused.err
    assert run("fit", "--model", str(config), "--gpu", "h100", "--dtype", "int3-g64").code == 0
    shown = run("presets", "show", str(config))
    assert shown.code == 0
    assert "names the quantization 'aqlm'" in " ".join(shown.err.split())
