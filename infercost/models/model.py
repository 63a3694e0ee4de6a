"""A model as a value: the parameters of its layers, tables and norms, and what its layers cache and compute.

Parameters of a layer are counted by their fate: matrices that tensor parallelism splits, matrices that every rank
copies, and small vectors (norms, biases, gates) that stay in 16 bits.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from infercost import formulas
from infercost.parts.formats import FORMATS, GGUF, Format, find_format
from infercost.units import show

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
