"""Heads that draft beside a model: what they are like and what their published runs accepted; that of EAGLE-3."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.models.model import Attention, Ffn, Layer, Model, Quantization
from infercost.parts import catalog
from infercost.parts.preset import Fact, Preset
from infercost.parts.yamlfile import Mapping, read_mapping
from infercost.units import COUNT

#: Matrices of a feed-forward part with a gate, which a head has whatever its model's has.
GATED = 3


class Shape(NamedTuple):
    """Dimensions of a head, and which of them are assumed rather than those of a config, for people; else empty."""

    heads: int
    kv_heads: int
    head_dim: int
    ffn_width: int
    vocab_size: int
    features: int
    assumed: str = ""


#: What the command line calls heads that draft, and what people call them.
TITLES = {"mtp": "MTP", "eagle3": "EAGLE-3"}
#: Dimensions of a head.
SHAPE = ("heads", "kv_heads", "head_dim", "ffn_width")


class Run(NamedTuple):
    """A published run: whose model, tokens that the draft proposed, tokens that a step yielded, of which texts."""

    model: str
    tokens: int
    accept_length: float
    of: str
    source: str
    date: str


class Method(NamedTuple):
    """A kind of head: its figures as a preset, its published runs, the ids of published heads, and their shapes."""

    preset: Preset
    runs: tuple[Run, ...]
    ids: tuple[Mapping, ...]
    shapes: tuple[Mapping, ...]

    @property
    def tokens(self) -> int:
        """Tokens that engines' guides start with."""
        return int(self.preset.value("draft_tokens"))

    def run(self, model: str, tokens: int) -> Run:
        """The run of a model, else of the method's first, whose draft is nearest to so many tokens."""
        own = [run for run in self.runs if run.model == model]
        others = own or [run for run in self.runs if run.model == self.runs[0].model]
        return min(others, key=lambda run: abs(run.tokens - tokens))

    def hub_id(self, model: str) -> str:
        """The id of a published head of a model, empty where none is known."""
        return next((str(entry["id"]) for entry in self.ids if model in entry["models"]), "")

    def shaped(self, model: str) -> Preset:
        """The figures of the head of a model, with the dimensions of a published one where its config is known."""
        known = next((shape for shape in self.shapes if model in shape["models"]), None)
        facts = {} if known is None else {key: _fact(known[key], known["source"], known["date"]) for key in SHAPE}
        return self.preset._replace(facts={**self.preset.facts, **facts})


class Gains(NamedTuple):
    """Measured over estimated gain of a draft, the least and the most, and of which runs."""

    low: float
    high: float
    of: str


def shape_of(model: Model) -> Shape:
    """The dimensions of a model's head: a published one's where that is known, else those of the model's last layers.

    Raises:
        BadValue: a model that decodes nothing, or whose layers have no attention to take them from.
    """
    if model.prefill_only:
        raise BadValue(f"{model.name} has no layers for an EAGLE-3 head to read", "leave --draft out")
    preset = method("eagle3").shaped(model.name)
    vocab_size, features = int(preset.value("vocab_size")), int(preset.value("features"))
    if SHAPE[0] in preset.facts:
        heads, kv_heads, head_dim, ffn_width = (int(preset.value(key)) for key in SHAPE)
        return Shape(heads, kv_heads, head_dim, ffn_width, vocab_size, features)
    kinds = [layer.attention for layer in model.layers if layer.attention.kv_heads and layer.attention.cache]
    own = [attention for attention in kinds if not (attention.latent or attention.state)]
    if not own:
        instead = "--draft mtp for its own head, " if model.mtp else ""
        hint = f"give {instead}--draft-model NAME, or --draft-cost 0.05"
        raise BadValue(f"no EAGLE-3 head of {model.name} is known, and its attention says nothing of one", hint)
    attention = next((each for each in own if each.kind == "full"), own[-1])
    width, assumed = _width(model)
    return Shape(attention.heads, attention.kv_heads, attention.head_dim, width, vocab_size, features, assumed)


def _width(model: Model) -> tuple[int, str]:
    """The width inside the feed-forward part: the model's, or of one with experts that of those which a token uses."""
    parts = [layer.ffn for layer in model.layers if layer.ffn.kind != "none"]
    if sparse := [ffn for ffn in parts if ffn.experts]:
        ffn = sparse[-1]
        width = ffn.active * ffn.width
        return width, f"a feed-forward part of {width:,}, as wide as the {ffn.active} experts of a token"
    return max(ffn.width for ffn in parts), ""


def head_of(model: Model, shape: Shape) -> Model:
    """The head as a model of its own, in 16 bits, that looks tokens up in its model's table."""
    hidden, width = model.hidden_size, shape.ffn_width
    inner = formulas.layer.ffn_params(matrices=GATED, input_width=hidden, ffn_width=width)
    return Model(
        name=f"{model.name} ({TITLES['eagle3']})",
        family="llama",
        hidden_size=hidden,
        vocab_size=shape.vocab_size,
        layers=(Layer(1, _attention(hidden, shape), Ffn("gated", width=width, dense=inner)),),
        embedding=0,
        head=formulas.layer.draft_head_params(vocab_size=shape.vocab_size, hidden_size=hidden),
        small=0,
        max_context=model.max_context,
        quantization=Quantization("bf16", 16, {}),
        kv_bits=model.kv_bits,
        order=(0,),
    )


def _attention(hidden: int, shape: Shape) -> Attention:
    """Attention of embedding and features side by side, and the matrix that joins features, whole on every rank."""
    heads: dict[str, Any] = {"heads": shape.heads, "kv_heads": shape.kv_heads, "head_dim": shape.head_dim}
    width = {"head_dim": shape.head_dim, "v_head_dim": shape.head_dim}
    fusion = formulas.layer.fusion_params(features=shape.features, hidden_size=hidden)
    flops = formulas.layer.attention_flops(heads=shape.heads, **width)
    return Attention(
        "full",
        **heads,
        v_head_dim=shape.head_dim,
        split=formulas.layer.fused_query_params(hidden_size=hidden, **heads),
        copied=fusion,
        small=formulas.layer.fused_norm_params(hidden_size=hidden),
        cache=formulas.layer.cache_elements(kv_heads=shape.kv_heads, **width),
        decode_flops=flops,
        prefill_flops=flops,
        matrices=(("fc", fusion),),
    )


# Drafts beside a model: what their heads are like and how many tokens their published runs accepted, as shipped.


@cache
def gains() -> Gains:
    """How far off the gain of a draft was in runs with and without one."""
    found = _data()["gains"]
    return Gains(float(found["low"]), float(found["high"]), found["of"])


def _data() -> Mapping:
    return read_mapping(_path(), "drafts")


def _path() -> str:
    return str(catalog.shipped() / "drafts.yaml")


@cache
def method(name: str) -> Method:
    """The shipped data of a kind of head, ``mtp`` or ``eagle3``."""
    data = _data()
    own, sources = data[name], data["sources"]
    facts = {
        key: _fact(entry["value"], *_cited(entry, sources))
        for key, entry in own.items()
        if isinstance(entry, dict) and "value" in entry
    }
    shapes = [
        {**shape, **dict(zip(("source", "date"), _cited(shape, sources), strict=True))}
        for shape in own.get("shapes", ())
    ]
    preset = Preset(TITLES[name], "drafts", {}, facts, _path())
    return Method(preset, tuple(_runs(own["runs"], sources)), tuple(own.get("ids", ())), tuple(shapes))


def _cited(entry: Mapping, sources: Mapping) -> tuple[str, str]:
    source = sources[entry["source"]]
    return source["title"], source["date"]


def _fact(text: str, source: str, date: str) -> Fact:
    return Fact(float(text), COUNT, source, date)


def _runs(entries: list[Mapping], sources: Mapping) -> Iterator[Run]:
    for entry in entries:
        numbers = int(entry["draft_tokens"]), float(entry["accept_length"])
        for model in entry["models"]:
            yield Run(model, *numbers, entry["of"], *_cited(entry, sources))
