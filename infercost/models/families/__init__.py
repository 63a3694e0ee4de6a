"""A config.json of the Hugging Face form, read as a model: exactly, or not at all."""

from typing import Any

from infercost.errors import BadFile, InfercostError, Missing, closest
from infercost.models.families.config import Config, check_lists, parse_json
from infercost.models.families.table import ALIASES, FAMILIES, Family
from infercost.models.families.vision import prediction_params, vision_params
from infercost.models.model import Layer, Model
from infercost.models.quantization import kv_bits, quantization

#: No model has more layers.
MOST_LAYERS = 10_000
#: What reading a value of the wrong kind raises.
MALFORMED = (AttributeError, LookupError, StopIteration, TypeError, ValueError, ZeroDivisionError)
__all__ = ["parse_json", "read_model"]


def read_model(data: dict[str, Any], name: str, where: str, sidecar: dict[str, Any] | None = None) -> Model:
    """The model that a config describes; ``sidecar`` is its ``hf_quant_config.json``, if it has one.

    Raises:
        Missing: a family that is not in the table, or a key that is missing and has no documented default.
        BadFile: a key whose value cannot be.
    """
    config = Config(data, where)
    try:
        return _read(config, name, sidecar)
    except MALFORMED as error:
        if isinstance(error, InfercostError):
            raise
        # a list where a number goes, deep in a part that one family alone has
        what = f"has no {error}" if isinstance(error, KeyError) else f"holds a value that cannot be: {error}"
        raise BadFile(f"{where}: {what}", "give the config.json as it was published") from error


def _read(config: Config, name: str, sidecar: dict[str, Any] | None) -> Model:
    family = family_of(config)
    config.defaults = family.defaults
    check_lists(config, _depth(config))
    made = _made(config, family)
    vision = vision_params(config)
    hidden, vocab = config.need("hidden"), config.need("vocab")
    told = (place.get("tie_word_embeddings") for place in (config.outer, config.inner))
    tied = next((bool(value) for value in told if value is not None), family.tied)
    return Model(
        name=name,
        family=config.family,
        hidden_size=hidden,
        vocab_size=vocab,
        layers=_grouped(made),
        embedding=vocab * hidden,
        head=0 if tied else vocab * hidden,
        small=hidden * (2 if family.norm_bias else 1) + family.extra(config),
        max_context=config.opt("context"),
        quantization=quantization(config, sidecar, made),
        kv_bits=kv_bits(config, sidecar),
        state_bits=_state_bits(config),
        vision_params=vision or 0,
        mtp_params=prediction_params(config, made),
        vision_known=vision is not None,
        lookup=family.lookup(config),
    )


def family_of(config: Config) -> Family:
    """The row of the table for a config's model type.

    Raises:
        Missing: there is none.
    """
    name = ALIASES.get(config.family, config.family)
    if name not in FAMILIES:
        known = sorted(FAMILIES)
        raise Missing(
            f"{config.where}: the model family {config.family!r} is not known",
            f"{closest(name, known)}a row in infercost/families/table.py would make it known",
        )
    return FAMILIES[name]


def _depth(config: Config) -> int:
    blocks = config.raw("layers_block_type") or config.raw("block_configs")
    depth = len(blocks) if isinstance(blocks, list) else config.need("layers")
    if not 0 < depth <= MOST_LAYERS:
        raise BadFile(f"{config.where}: {depth:,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    return depth


def _made(config: Config, family: Family) -> list[Layer]:
    """Every layer, in order."""
    small = family.norms * config.need("hidden") * (2 if family.norm_bias else 1)
    return [Layer(1, *family.make(config, i), small) for i in range(_depth(config))]


def _grouped(made: list[Layer]) -> tuple[Layer, ...]:
    """The distinct layers, each with how many there are of it."""
    return tuple(layer._replace(times=made.count(layer)) for layer in dict.fromkeys(made))


def _state_bits(config: Config) -> float:
    """Bits of a recurrent state: 32 unless the config says otherwise, as engines keep it."""
    told = config.raw("mamba_ssm_dtype", config.raw("mamba_ssm_cache_dtype", "float32"))
    return 32 if "32" in str(told) else 16
