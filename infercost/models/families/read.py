"""A config.json of the Hugging Face form, read as a model: exactly, or not at all."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from infercost.errors import BadFile, InfercostError, Missing, closest
from infercost.models.families.config import Config, check_lists, labels_of
from infercost.models.families.ffn import DENSE
from infercost.models.families.table import FAMILIES, Family
from infercost.models.families.towers import audio_params, vision_params
from infercost.models.model import Layer, Model, Quantization, as_prefill_only
from infercost.models.quantization import kv_bits, quantization

#: The language model of a composite one, and the task of a class.
_PART = re.compile(r"_(text|text_model|language_model|language|llm|lm|decoder)$")
_CLASS = re.compile(r"(For[A-Z]\w*|LMHeadModel|Model)$")
#: Eight bits and a scale of eight for 32 of them.
_ENGRAM_BITS = 8 + 8 / 32
#: No model has more layers.
MOST_LAYERS = 10_000
#: Raised when a value of the wrong kind is read.
MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, StopIteration, TypeError, ValueError)
#: Class defaults that files leave out within another model's, where only what differs is saved (LLaVA 1.5 and 1.6).
_WITHIN = {
    "llama": FAMILIES["llava"].defaults,
    "mistral": FAMILIES["llava"].defaults | {"intermediate_size": 14336, "max_position_embeddings": 131072},
}
#: Families whose class without a task in its name has a head all the same.
_WHOLE = ("chatglm",)
#: Model types that another row describes; the language model of a composite one is ``..._text`` besides.
ALIASES = {
    **dict.fromkeys(("yi", "exaone", "baichuan", "xverse", "aquila", "solar", "iquestcoder"), "llama"),
    "stablelm_epoch": "stablelm",
    "codegen": "gptj",
    "flex_olmo": "olmoe",
    **dict.fromkeys(("keye", "keye_vl1_5"), "qwen3"),
    **dict.fromkeys(("bailing_moe_v2_5", "bailing_moe_v3"), "bailing_hybrid"),
    "telechat2": "telechat",
    "apertus1p5": "apertus",
    "paddleocr_vl": "ernie4_5",
    "granite_docling": "granite",
    **dict.fromkeys(("mistral3", "ministral"), "mistral"),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen2_5_omni", "qwen2_5_omni_thinker", "dots_ocr", "mimo"), "qwen2"),
    **dict.fromkeys(("minimax_text_01", "minimax_m1"), "minimax"),
    **dict.fromkeys(("RefinedWeb", "RefinedWebModel"), "falcon"),
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "xlm_roberta"), "bert"),
    "bailing_moe_v2": "bailing_moe",
    **dict.fromkeys(("phi4mm", "phi4_multimodal"), "phi3"),
    "step3p7": "step3p5",
    "exaone4_5": "exaone4",
    "inkling_mm_model": "inkling",
    "intern_s2_preview": "qwen3_5_moe",
    "falcon_mamba": "mamba",
    "mbart": "bart",
    **dict.fromkeys(("mt5", "umt5"), "t5"),
    "internlm2": "internlm",
    "kimi_k25": "deepseek_v3",
    "mimo_v2": "mimo_v2_flash",
    "minimax_m3_vl": "minimax_m3",
    **dict.fromkeys(("hy_v4_vl", "hunyuan_v4"), "hy_v4"),
    "unlimited_ocr": "deepseek",
    **dict.fromkeys(("telechat3", "step1", "teleflm"), "llama"),  # vLLM 0.33, models/registry.py and step1.py
    "hunyuan_vl": "hunyuan_v1_dense",
    **dict.fromkeys(("ernie4_5_moe_vl", "ernie4_5_vl"), "ernie4_5_vl_moe"),
    "new": "gte",
    "llava_next": "llava",
    "mllama_text_model": "mllama",
    "qwen3_omni_moe": "qwen3_moe",
    "qwen3_vl": "qwen3",
}


def read_model(data: dict[str, Any], name: str, where: str, sidecar: dict[str, Any] | None = None) -> Model:
    """The model of a config and its ``hf_quant_config.json``; Missing for a family or key, BadFile for a value."""
    config = Config(data, where)
    try:
        model = _read(config, name, sidecar)
    except MALFORMED as error:
        if isinstance(error, InfercostError):
            raise
        # a list where a number goes, deep in a part that one family alone has
        what = f"has no {error}" if isinstance(error, KeyError) else f"holds a value that cannot be: {error}"
        raise BadFile(f"{where}: {what}", "give the config.json as it was published") from error
    if model.is_encoder:  # whose head is counted with its class
        return as_prefill_only(model)
    if _classifies(config):
        return as_prefill_only(model, labels_of(config))
    return as_prefill_only(model) if _is_headless(config) and not model.has_encoder else model


def _read(config: Config, name: str, sidecar: dict[str, Any] | None) -> Model:
    family = family_of(config)
    config.defaults = _defaults(config, family)
    config = family.decoder(config) if family.decoder else config
    layers = layers_of(config, family)
    kinds = list(dict.fromkeys(layers))
    vision, sound = vision_params(config), audio_params(config)
    hidden, vocab, tables = config.need("hidden"), config.need("vocab"), family.lookup(config)
    return Model(
        name=name,
        family=config.family,
        hidden_size=hidden,
        vocab_size=vocab,
        layers=tuple(layer._replace(times=layers.count(layer)) for layer in kinds),
        embedding=vocab * hidden,
        head=0 if _is_tied(config, family) else vocab * hidden,
        small=hidden * (2 if family.norm_bias else 1)
        + vocab * config.flag("head_bias", "lm_head_bias")
        + family.extra(config),
        max_context=longest_context(config),
        quantization=_with_tables(quantization(config, family.names, sidecar, layers), config, vocab * hidden, tables),
        kv_bits=kv_bits(config, sidecar),
        state_bits=_state_bits(config),
        vision_params=(vision or 0) + (sound or 0),
        mtp_params=prediction_params(config, layers),
        mtp=prediction_layers(config, layers) if _modules(config) and not config.raw("dspark_block_size") else (),
        vision_known=vision is not None and sound is not None,
        lookup=tables,
        has_encoder=family.decoder is not None,
        order=tuple(kinds.index(layer) for layer in layers),
    )


def _defaults(config: Config, family: Family) -> dict[str, Any]:
    """What a file may leave out: more of it within another model's file."""
    return family.defaults if config.inner is config.outer else _WITHIN.get(config.family, {}) | family.defaults


def _is_tied(config: Config, family: Family) -> bool:
    """Whether the input table is the output head too, by the file or else the family."""
    ties = (place.get("tie_word_embeddings") for place in (config.outer, config.inner))
    return next((bool(value) for value in ties if value is not None), family.tied)


def _with_tables(found: Quantization, config: Config, embedding: int, tables: int) -> Quantization:
    """DeepSeek-V4.1 keeps its tables of n-grams in FP8 beside an input table in 16 bits: the mean of both.

    So do quantizations of it by others, NVIDIA's among them.
    """
    if found.default == min(found.bits.values(), default=found.default) or not config.entries("engram_layer_ids"):
        return found
    mean = (found.of("embedding") * embedding + _ENGRAM_BITS * tables) / (embedding + tables)
    return found._replace(bits={**found.bits, "embedding": mean})


def _state_bits(config: Config) -> int:
    """Engines keep a recurrent state in 32 bits unless the config says otherwise."""
    named = config.raw("mamba_ssm_dtype", config.raw("mamba_ssm_cache_dtype", "float32"))
    return 32 if "32" in str(named) else 16


#: Kinds of rope scaling whose factor is in the positions that the config names already, as vLLM 0.33 reads it
#: (config/model.py, _get_and_verify_max_len); that of every other kind stretches them.
_NAMED_STRETCHED = ("su", "longrope", "llama3", "deepseek_llama_scaling")
_YARN = ("yarn", "deepseek_yarn")


def longest_context(config: Config) -> int:
    """Positions that a config names, times its factor where that stretches them; of YaRN the original ones, if more.

    Gemma 3 names them stretched already (vllm-project/vllm, config/model.py at 0.33).
    """
    named = config.opt("context")
    for rope in _ropes(config):
        kind, factor = rope.get("rope_type", rope.get("type")), rope.get("factor")
        original = rope.get("original_max_position_embeddings") if kind in _YARN else named
        stretches = kind in _YARN or not (kind in _NAMED_STRETCHED or config.family.startswith("gemma3"))
        if stretches and isinstance(factor, (int, float)) and isinstance(original, int):
            return max(named, int(factor * original))
    return named


def _ropes(config: Config) -> Iterator[dict[str, Any]]:
    """Settings of rope scaling: one for all layers, or one for each kind of them."""
    for rope in map(config.raw, ("rope_parameters", "rope_scaling")):
        if isinstance(rope, dict):
            yield rope
            yield from (inside for inside in rope.values() if isinstance(inside, dict))


def _classifies(config: Config) -> bool:
    """Whether a decoder's class puts labels in place of the head that predicts tokens."""
    classes = config.raw("architectures")
    return isinstance(classes, list) and str(next(iter(classes), "")).endswith("ForSequenceClassification")


def _is_headless(config: Config) -> bool:
    """Whether a decoder's class is the one without a head, as embedders publish it: MistralModel, Gemma3TextModel.

    ChatGLMModel and InternVLChatModel have theirs (vLLM 0.33, model_executor/models/registry.py).
    """
    classes = config.raw("architectures")
    name = str(next(iter(classes), "")) if isinstance(classes, list) else ""
    family = plain(config.family)
    return name.endswith("Model") and family not in _WHOLE and plain(name.removesuffix("Model")) == family


#: What answers for a model whose layers are not known.
_BY_COUNT = "count it by its parameters: --params 8B, with --active-params where a token uses only some"


def family_of(config: Config) -> Family:
    """The row of the table for a config's model type; Missing where there is none."""
    rows = {plain(name): row for name, row in (*zip(FAMILIES, FAMILIES, strict=True), *ALIASES.items())}
    if row := next((rows[name] for name in map(plain, _names(config)) if name in rows), ""):
        return FAMILIES[row]
    what = f"the model family {config.family!r} is not known" if config.family else "has no model_type"
    hint = f"{closest(config.family, sorted(FAMILIES))}{_BY_COUNT}"
    raise Missing(f"{config.where}: {what}", hint if config.family else "give the config.json as it was published")


#: Language models of MiniCPM-V and -o by the version that the file says (vLLM 0.33, minicpmv.py).
_VERSIONS = {"2.5": "llama", "2.6": "qwen2", "4.0": "llama", "4": "llama", "4.5": "qwen3"}


def _names(config: Config) -> Iterator[str]:
    """What may name the family: the model type, without the word for a part of a whole, then the class of the model."""
    if config.family in ("minicpmv", "minicpmo"):
        yield _VERSIONS.get(str(config.raw("version")), config.family)
    yield config.family
    yield _PART.sub("", config.family)
    for level in (config.inner, config.outer):
        classes = level.get("architectures")
        for name in classes if isinstance(classes, list) else ():
            yield _CLASS.sub("", str(name))


@lru_cache(1000)
def plain(name: str) -> str:
    """A family's name for comparison: Qwen3Moe is qwen3_moe."""
    return re.sub(r"[_-]", "", name.lower())


def layers_of(config: Config, family: Family) -> list[Layer]:
    """Every layer, in order; BadFile for more or fewer than a model has, Missing for experts that a family has not."""
    blocks = config.raw("layers_block_type") or config.raw("block_configs")
    depth = len(blocks) if isinstance(blocks, list) else config.need("layers")
    if not 0 < depth <= MOST_LAYERS:
        raise BadFile(f"{config.where}: {depth:,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    check_lists(config, depth)
    if family.ffn in DENSE and (count := config.opt("experts")) > 1:
        what = f"{config.where}: has {count} experts, and {config.family} is known without any"
        raise Missing(what, _BY_COUNT)
    small = family.norms * config.need("hidden") * (2 if family.norm_bias else 1)
    own = [config.layer(i) for i in range(depth)] * max(config.number("num_loops", 1), 1)
    if len(own) > MOST_LAYERS:
        raise BadFile(f"{config.where}: num_loops makes {len(own):,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    return [Layer(1, family.attention(each, i), family.ffn(each, i), small * (i < depth)) for i, each in enumerate(own)]


def prediction_params(config: Config, layers: list[Layer]) -> int:
    """Parameters of multi-token prediction: for each module one more layer, a joining matrix and three norms.

    ``num_mtp_modules`` of MiniMax is left alone: its published checkpoints hold no such modules.
    """
    hidden, like = config.need("hidden"), prediction_layers(config, layers)
    if config.raw("dspark_n_routed_experts"):
        return _dspark_params(config, layers)
    return _modules(config) * (sum(map(_layer_params, like)) + 2 * hidden * hidden + 3 * hidden)


def _modules(config: Config) -> int:
    return config.number("num_nextn_predict_layers", config.number("mtp_num_hidden_layers", 0))


def _dspark_params(config: Config, layers: list[Layer]) -> int:
    """DeepSeek's block of draft layers: windows alone, fewer experts, a way in and a way out in place of joins."""
    hidden, rank = config.need("hidden"), config.number("dspark_markov_rank")
    near = next(layer for layer in layers if not layer.attention.has_past)
    fewer = config.number("dspark_n_routed_experts")
    left = (near.ffn.experts - fewer) * (near.ffn.expert + hidden + 2)
    way_in = config.entries("dspark_target_layer_ids") * hidden * hidden + hidden
    way_out = hidden + 2 * config.need("vocab") * rank + hidden + rank
    return config.number("num_nextn_predict_layers") * (_layer_params(near) - left) + way_in + way_out


def prediction_layers(config: Config, layers: list[Layer]) -> tuple[Layer, ...]:
    """The layers of one prediction module: one like the last that attends, or those that the config lists."""
    if not (words := config.raw("mtp_layers_block_type")):
        return tuple([layer for layer in layers if layer.attention.cache][-1:] or layers[-1:])
    attends = next(layer for layer in layers if layer.attention.cache)
    chooses = next(layer for layer in layers if layer.ffn.experts)
    return tuple(attends if word == "attention" else chooses for word in words)


def _layer_params(layer: Layer) -> int:
    attention, ffn = layer.attention, layer.ffn
    experts = ffn.experts * (ffn.expert + ffn.expert_small)
    fed = ffn.dense + ffn.shared + experts + ffn.router + ffn.small
    return layer.small + attention.split + attention.copied + attention.small + fed
