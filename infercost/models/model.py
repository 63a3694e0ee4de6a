"""A model as a value: the parameters of its layers, tables and norms, and what its layers cache and compute.

Parameters of a layer are counted by their fate: matrices that tensor parallelism splits, matrices that every rank
copies, and small vectors (norms, biases, gates) that stay in 16 bits. Heads that draft beside a model are models too.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from infercost import formulas
from infercost.errors import BadValue
from infercost.parts import catalog
from infercost.parts.files import read_mapping
from infercost.parts.formats import FORMATS, GGUF, Format, find_format
from infercost.parts.preset import Fact, Preset
from infercost.units import COUNT, show

T = TypeVar("T")


class Attention(NamedTuple):
    """Attention of one layer; 0 where it has no such thing.

    ``cache`` counts elements that one position adds to the KV cache, ``packed`` the bytes that they take in a cache of
    8 bits where those are not as many, ``packed_four`` the same in NVFP4, ``borrowed`` those that it reads from an
    earlier layer's cache. ``index_cache`` counts elements of a sparse indexer's keys, which every rank holds whole, in
    ``index_bits`` each whatever the cache has (0: in the cache's). ``window`` is the number of positions in the cache,
    ``compress`` that of positions in one entry, ``borrows`` says that the past beside the window is another layer's,
    ``query_rank`` the width of a compressed query. ``state`` and ``conv``
    are elements per sequence of any length. ``matrices`` are those of ``split`` and ``copied`` with names of their own,
    other names of the same after a bar, and their parameters; the rest are queries, keys, values and output.
    ``streams`` are the residual streams that are mixed before and after each part of the layer, 0 where there is one.
    """

    kind: str
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    v_head_dim: int = 0
    split: int = 0
    copied: int = 0
    query_rank: int = 0
    small: int = 0
    cache: int = 0
    packed: int = 0
    packed_four: int = 0
    index_cache: int = 0
    index_bits: float = 0
    borrowed: int = 0
    window: int = 0
    compress: int = 1
    borrows: bool = False
    attended: int = 0
    decode_flops: int = 0
    prefill_flops: int = 0
    index_flops: int = 0
    state: int = 0
    conv: int = 0
    latent: bool = False
    streams: int = 0
    matrices: tuple[tuple[str, int], ...] = ()

    @property
    def has_past(self) -> bool:
        """Whether it attends a past of entries of its own kind beside a raw window."""
        return self.compress > 1 or bool(self.window and self.attended)

    @property
    def grows(self) -> bool:
        """Whether a long sequence adds to its cache."""
        return bool(self.cache) and not self.borrows and (self.has_past or not self.window)


class Ffn(NamedTuple):
    """The feed-forward part of one layer: matrices for every token, and experts to choose from.

    ``expert`` counts the matrices of one expert, ``expert_input`` the width that they take in where it is not the
    model's, ``expert_small`` its biases, ``reused`` the matrices of an earlier layer, attention included, that this one
    multiplies again. Of ``groups`` of experts a token's lie in ``token_groups``, 0 where they lie in any.
    """

    kind: str
    width: int = 0
    dense: int = 0
    shared: int = 0
    experts: int = 0
    active: int = 0
    expert: int = 0
    expert_input: int = 0
    expert_small: int = 0
    router: int = 0
    small: int = 0
    reused: int = 0
    groups: int = 0
    token_groups: int = 0


class Layer(NamedTuple):
    """Layers of one kind, ``times`` of them; ``small`` counts the norms outside attention and feed-forward part."""

    times: int
    attention: Attention
    ffn: Ffn
    small: int = 0


class Quantization(NamedTuple):
    """Bits of each part of the weights, scales included: ``attention``, ``ffn``, ``experts``, ``shared`` and so on.

    ``name`` is the checkpoint's own; other parts have ``default`` bits. ``block`` is the side of the blocks that share
    a scale, 0 for none. ``arithmetic`` is the format to compute in where the bits do not decide it: a bare count's
    ``8bit`` is the faster of fp8 and int8.
    """

    name: str
    default: float
    bits: Mapping[str, float]
    block: int = 0
    arithmetic: str = ""

    def of(self, part: str) -> float:
        """Bits of one parameter of a part."""
        return self.bits.get(part, self.default)

    @property
    def is_gguf(self) -> bool:
        """Whether weights are stored in a format of GGUF files that llama.cpp alone reads."""
        return self.name in GGUF or self.name.startswith("gguf")

    @property
    def label(self) -> str:
        """How weights are stored, for people: the checkpoint's format, or a bare count's bytes."""
        return f"{self.name}, {self.default / 8:g} B a parameter" if self.arithmetic else self.words

    @property
    def words(self) -> str:
        """The format for people: a checkpoint's name for it says nothing of experts in fewer bits, most of all."""
        return "its own fp4 and fp8" if "fp8" in self.name and self.of("experts") < 6 else self.name


class Rope(NamedTuple):
    """Positions stretched by YaRN: how many times further, and as far as the model was trained without it."""

    factor: float
    original: int

    @property
    def context(self) -> int:
        """Tokens that they reach."""
        return int(self.factor * self.original)


def _counted(pairs: Iterable[tuple[T, int]]) -> dict[T, int]:
    """How many there are of each kind, in the order of their first."""
    counts: dict[T, int] = {}
    for kind, count in pairs:
        counts[kind] = counts.get(kind, 0) + count
    return counts


class Model(NamedTuple):
    """A language model, and what else its checkpoint holds; ``lookup`` counts tables that never multiply.

    ``hidden_size`` is 0 for a bare count without layers and width, ``activation_format`` is empty where devices send
    each other the format that they compute in. ``order`` names the kind of each layer by its place in ``layers``,
    ``mtp`` are the layers of its prediction modules. ``rope`` is how its positions are stretched beyond what its
    checkpoint says. ``has_encoder`` says that an encoder, which ``lookup`` counts, reads the prompt, and layers that
    attend to it write the answer. ``prefill_only`` reads whole texts, keeps nothing of them and decodes nothing: an
    encoder, an embedder, a reranker. ``stands_for`` is another model of the same shape, by the name that was asked.
    """

    name: str
    family: str
    hidden_size: int
    vocab_size: int
    layers: tuple[Layer, ...]
    embedding: int
    head: int
    small: int
    max_context: int
    quantization: Quantization
    kv_bits: float = 16
    state_bits: float = 16
    vision_params: int = 0
    mtp_params: int = 0
    vision_known: bool = True
    lookup: int = 0
    activation_format: str = "bf16"
    order: tuple[int, ...] = ()
    mtp: tuple[Layer, ...] = ()
    rope: Rope | None = None
    prefill_only: bool = False
    has_encoder: bool = False
    stands_for: str = ""

    def called(self, format: str = "") -> str:
        """Its name in sentences, as it was asked, with its format, and whose shape it has where that is another's."""
        words = ", ".join(filter(None, (format, self.stands_for and f"same shape as {self.name}")))
        return f"{self.stands_for or self.name} ({words})" if words else self.name

    @property
    def depth(self) -> int:
        """Layers in all."""
        return sum(layer.times for layer in self.layers)

    @property
    def attentions(self) -> dict[Attention, int]:
        """Layers by their attention, whatever their feed-forward part."""
        return _counted((layer.attention, layer.times) for layer in self.layers)

    @property
    def routed(self) -> dict[Ffn, int]:
        """Layers with routed experts by their feed-forward part, whatever their attention."""
        return _counted((layer.ffn, layer.times) for layer in self.layers if layer.ffn.experts)

    @property
    def is_bare(self) -> bool:
        """Whether it is a count of parameters alone, without caches and prompts."""
        return not self.family

    @property
    def attends(self) -> bool:
        """Whether tokens attend others, so that a prompt has a length; no for a bare count."""
        return any(layer.attention.kind != "none" for layer in self.layers)

    @property
    def has_cache(self) -> bool:
        """Whether sequences keep keys and values, latents or a state in memory."""
        return self.attends and not self.prefill_only

    @property
    def is_encoder(self) -> bool:
        """Whether every token of a text sees those after it too."""
        return all(layer.attention.kind == "encoder" for layer in self.layers)

    @property
    def is_sparse(self) -> bool:
        """Whether tokens choose experts, so that the bytes a step reads depend on the routing."""
        return any(layer.ffn.experts for layer in self.layers)

    @property
    def is_recurrent(self) -> bool:
        """Whether some layers keep a state in place of keys and values."""
        return any(layer.attention.state for layer in self.layers)


def prediction_head(model: Model) -> Model | None:
    """The prediction modules of a model as a draft of its own, which share its tables; None where it has none.

    A module joins the last state and the next token's embedding by one matrix, which every rank holds.
    """
    if not model.mtp:
        return None
    first, *rest = model.mtp
    attention, hidden, others = first.attention, model.hidden_size, first.small + first.ffn.small
    copied = formulas.layer.joined_copies(copied_params=attention.copied, hidden_size=hidden)
    norms = formulas.layer.joined_norm_params(norm_params=others + attention.small, hidden_size=hidden)
    joined = attention._replace(
        copied=copied, small=norms - others, matrices=(*attention.matrices, ("eh_proj", copied - attention.copied))
    )
    layers = tuple(layer._replace(times=1) for layer in (first._replace(attention=joined), *rest))
    alone = model._replace(name=f"{model.name} (MTP)", layers=layers, order=tuple(range(len(layers))), mtp=())
    nothing: dict[str, Any] = dict.fromkeys(("embedding", "small", "vision_params", "mtp_params", "lookup"), 0)
    return alone._replace(**nothing, head=model.head or model.embedding)


def as_prefill_only(model: Model, labels: int = 0) -> Model:
    """The model as it reads texts alone: its table is looked up, no head multiplies but one of so many labels."""
    nothing: dict[str, Any] = dict.fromkeys(("cache", "index_cache", "borrowed", "decode_flops"), 0)
    layers = tuple(layer._replace(attention=layer.attention._replace(**nothing)) for layer in model.layers)
    lookup, small = model.lookup + model.embedding, model.small + labels * model.hidden_size
    return model._replace(layers=layers, embedding=0, head=0, lookup=lookup, small=small, prefill_only=True)


def bare_count(params: float, active_params: float, format: Format, layers: int, hidden_size: int) -> Model:
    """A count of parameters as a model of one kind of layer, all of it matrices that multiply.

    With fewer active parameters they are N / N_active experts of which a token chooses one: a batch then reads
    N (1 - (1 - N_active / N)^batch) of them.
    """
    depth = layers or 1
    if active_params < params:
        counts: dict[str, Any] = {
            "experts": formulas.layer.even_experts(params=params, active_params=active_params),
            "active": 1,
            "expert": formulas.layer.even_expert_params(active_params=active_params, layers=depth),
        }
    else:  # an even share of a layer need not be whole
        counts = {"dense": formulas.layer.even_layer_params(params=params, layers=depth)}
    return Model(
        name=f"{show(params, 'param')} parameters",
        family="",
        hidden_size=hidden_size,
        vocab_size=0,
        layers=(Layer(depth, Attention("none"), Ffn("count", **counts)),),
        embedding=0,
        head=0,
        small=0,
        max_context=0,
        quantization=Quantization(format.name, format.bytes_per_value * 8, {}, arithmetic=format.name),
        activation_format="",
    )


def arithmetic_format(quantization: Quantization) -> Format:
    """The storage format whose arithmetic most of a model's matrices need."""
    bits = min((quantization.of(part) for part in ("attention", "ffn", "experts")), default=quantization.default)
    return format_of_bits(quantization, bits)


def format_of_bits(quantization: Quantization, bits: float) -> Format:
    """The storage format whose arithmetic serves matrices of these bits, scales included."""
    if quantization.arithmetic and (format := find_format(quantization.arithmetic)):
        return format
    if bits > 9:
        return FORMATS["fp32" if bits >= 32 else "bf16"]
    if bits > 6:
        is_int = "int" in quantization.name or "w8a8" in quantization.name or quantization.is_gguf
        return FORMATS["int8" if is_int else "fp8"]
    name = quantization.name  # experts of four bits beside matrices of eight are MXFP4
    if name in GGUF:
        return GGUF[name]
    return FORMATS["mxfp4" if "mxfp4" in name or "fp8" in name else "fp4" if "fp4" in name else "int4"]


#: Matrices of a feed-forward part with a gate, which a head has whatever its model's has.
GATED = 3


class HeadShape(NamedTuple):
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
    ids: tuple[dict[str, Any], ...]
    shapes: tuple[dict[str, Any], ...]

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


def shape_of(model: Model) -> HeadShape:
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
        return HeadShape(heads, kv_heads, head_dim, ffn_width, vocab_size, features)
    kinds = [layer.attention for layer in model.layers if layer.attention.kv_heads and layer.attention.cache]
    own = [attention for attention in kinds if not (attention.latent or attention.state)]
    if not own:
        instead = "--draft mtp for its own head, " if model.mtp else ""
        hint = f"give {instead}--draft-model NAME, or --draft-cost 0.05"
        raise BadValue(f"no EAGLE-3 head of {model.name} is known, and its attention says nothing of one", hint)
    attention = next((each for each in own if each.kind == "full"), own[-1])
    width, assumed = _width(model)
    return HeadShape(attention.heads, attention.kv_heads, attention.head_dim, width, vocab_size, features, assumed)


def _width(model: Model) -> tuple[int, str]:
    """The width inside the feed-forward part: the model's, or of one with experts that of those which a token uses."""
    parts = [layer.ffn for layer in model.layers if layer.ffn.kind != "none"]
    if sparse := [ffn for ffn in parts if ffn.experts]:
        ffn = sparse[-1]
        width = ffn.active * ffn.width
        return width, f"a feed-forward part of {width:,}, as wide as the {ffn.active} experts of a token"
    return max(ffn.width for ffn in parts), ""


def head_of(model: Model, shape: HeadShape) -> Model:
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


def _attention(hidden: int, shape: HeadShape) -> Attention:
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


def _data() -> dict[str, Any]:
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


def _cited(entry: dict[str, Any], sources: dict[str, Any]) -> tuple[str, str]:
    source = sources[entry["source"]]
    return source["title"], source["date"]


def _fact(text: str, source: str, date: str) -> Fact:
    return Fact(float(text), COUNT, source, date)


def _runs(entries: list[dict[str, Any]], sources: dict[str, Any]) -> Iterator[Run]:
    for entry in entries:
        numbers = int(entry["draft_tokens"]), float(entry["accept_length"])
        for model in entry["models"]:
            yield Run(model, *numbers, entry["of"], *_cited(entry, sources))
