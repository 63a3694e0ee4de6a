"""What a pass asks of one rank: sums over the layers of a model under a layout, and of the lengths asked about."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from infercost import formulas
from infercost.models.counting import attended_flops, kv_params, prompt_flops, times
from infercost.models.model import Attention, Ffn, Layer, Model
from infercost.quantities import CONSTANTS
from infercost.replica.layout import Layout, expert_bytes, kv_copies, rank_cache_read
from infercost.replica.work import activations

T = TypeVar("T")
#: Products of each part of a layer.
(ATTENTION, LATENT, INDEXED, LINEAR, FFN, ROUTER) = (
    int(CONSTANTS[f"{name}_products"].value) for name in ("attention", "latent", "indexed", "linear", "ffn", "router")
)
#: Matrices of a gated feed-forward part.
GATED = int(CONSTANTS["gated_matrices"].value)


class once(Generic[T]):  # noqa: N801 (it decorates as property does)
    """A property that is worked out when first asked for, or each time where its owner keeps nothing (``--steps``)."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self.work, self.name = work, work.__name__

    def __get__(self, owner: Any, _: type) -> T:
        """The value, which hides the property where the owner keeps it."""
        value = self.work(owner)
        if owner.keeps:
            owner.__dict__[self.name] = value
        return value


class Products(NamedTuple):
    """Dense products of all layers in one format, on one rank: their number, parameters, bytes, rows' elements.

    ``inputs`` and ``outputs`` are the elements that one row brings into and takes out of all of them.
    """

    format: str
    number: float
    params: float
    weights: float
    inputs: float
    outputs: float


class Part(NamedTuple):
    """Dense products of one part of so many layers alike, on one rank: those of one layer."""

    format: str
    layers: int
    bytes_per_param: float
    number: int
    params: float
    inputs: float
    outputs: float


class Routed(NamedTuple):
    """Sparse layers whose routed experts are alike; ``params`` and ``weights`` are one expert's part on its rank."""

    format: str
    layers: int
    experts: float
    active: int
    params: float
    weights: float
    input: float
    width: float
    matrices: float
    groups: int
    token_groups: int


class Attended(NamedTuple):
    """Layers whose attention is alike, how many, and how often all tensor ranks together hold its KV heads."""

    attention: Attention
    layers: int
    copies: float


class Sums:
    """What a pass asks of one rank of a model under a layout; ``keeps`` is whether sums are made only once."""

    def __init__(self, model: Model, layout: Layout, *, keeps: bool = True) -> None:
        self.model, self.layout, self.keeps = model, layout, keeps
        self._reads: dict[float, tuple[float, float]] = {}
        self._prompts: dict[tuple[float, float], tuple[float, float]] = {}

    @once
    def attended(self) -> tuple[Attended, ...]:
        """Layers by their attention."""
        kinds = self.model.attentions
        return tuple(Attended(kind, count, kv_copies(kind, self.layout.tp)) for kind, count in kinds.items())

    @once
    def products(self) -> tuple[Products, ...]:
        """Dense products of all layers by format."""
        model = self.model
        kinds: dict[str, list[Part]] = {}
        for layer in model.layers:
            for part in (*_of_attention(model, layer, self.layout), *_of_ffn(model, layer, self.layout)):
                kinds.setdefault(part.format, []).append(part)
        return tuple(_summed(parts) for parts in kinds.values())

    @once
    def head(self) -> Products:
        """The output head."""
        model, tp = self.model, self.layout.tp
        part, outputs = "head" if model.head else "embedding", float(model.vocab_size)
        if tp > 1:
            outputs = formulas.kernels.head_outputs(vocab_size=model.vocab_size, tensor_ranks=tp)
        params = _on_rank(model.head or model.embedding, tp)
        return _summed([_part(model, part, 1, 1, params, model.hidden_size, outputs)])

    @once
    def routed(self) -> tuple[Routed, ...]:
        """Routed experts by their shape: whole ones, or slices that ranks share."""
        kinds, slices = self.model.routed, self.layout.expert_slices
        return tuple(_routed(self.model, ffn, layers, slices) for ffn, layers in kinds.items())

    @once
    def activations(self) -> float:
        """Bytes that one token moves between products in all layers."""
        return activations(self.model, self.layout)

    @once
    def norms(self) -> float:
        """Parameters of norms and biases of all layers."""
        return formulas.kernels.norms_of_layers(
            layers_of_kind=times(self.model),
            norms_of_layer=[one.small + one.attention.small + one.ffn.small for one in self.model.layers],
        )

    @once
    def kv_heads(self) -> float:
        """KV heads in all layers."""
        tp = self.layout.tp
        return formulas.kernels.rank_kv_heads(
            layers_of_kind=[one.layers for one in self.attended],
            layer_kv_heads=[_kv_heads(one.attention, one.copies, tp) for one in self.attended],
        )

    @once
    def states(self) -> float:
        """Elements of one sequence's states in all layers of linear attention."""
        layers, elements = self._each(lambda one: one.state)
        if not layers:
            return 0.0
        tp = self.layout.tp
        return formulas.kernels.rank_state_elements(layers_of_kind=layers, state_elements=elements, tensor_ranks=tp)

    @once
    def latent(self) -> bool:
        """Whether attention is over latents."""
        return any(one.attention.latent for one in self.attended)

    @once
    def depth(self) -> float:
        """Layers in all."""
        return _layers(times(self.model))

    @once
    def indexed(self) -> float:
        """Layers with an indexer."""
        return _layers(self._each(lambda one: one.index_flops)[0])

    @once
    def caching(self) -> float:
        """Layers with a cache."""
        return _layers(self._each(lambda one: one.decode_flops)[0])

    @once
    def normed(self) -> float:
        """Layers whose queries and keys are normalized over all heads, so that ranks sum their squares."""
        return _layers(self._each(_normed)[0])

    @once
    def streamed(self) -> float:
        """Layers with several residual streams."""
        return _layers(self._each(lambda one: one.streams)[0])

    @once
    def streams(self) -> float:
        """Bytes of one token that mixing residual streams moves in all layers."""
        layers, streams = self._each(lambda one: one.streams)
        traffic = formulas.kernels.layer_stream_traffic
        return formulas.kernels.stream_traffic(
            layers_of_kind=layers,
            layer_stream_traffic=[
                traffic(residual_streams=each, hidden_size=self.model.hidden_size) for each in streams
            ],
        )

    @once
    def stateful(self) -> float:
        """Layers with a state."""
        return _layers(self._each(lambda one: one.state)[0])

    def _each(self, of: Callable[[Attention], float]) -> tuple[list[int], list[float]]:
        """How many layers there are of each attention that has something, and what it has."""
        there = [(one.layers, of(one.attention)) for one in self.attended if of(one.attention)]
        return [layers for layers, _ in there], [value for _, value in there]

    @once
    def prompt_elements(self) -> float:
        """Elements of queries, keys, values and outputs of one token of a prompt in all layers, halved."""
        kinds = [one for one in self.attended if one.attention.prefill_flops]
        return formulas.kernels.prompt_elements(
            layers_of_kind=[one.layers for one in kinds],
            layer_prompt_elements=[_prompt_elements(one, self.layout.tp) for one in kinds],
        )

    @once
    def exchanging(self) -> int:
        """Layers whose tokens go to experts on other groups and back."""
        return sum(each.layers for each in self.routed) if self.layout.dp > 1 else 0

    def decoding(self, context: float) -> tuple[float, float]:
        """Bytes of one sequence's cache that a step reads on one rank, and operations of its latents there."""
        if (known := self._reads.get(context)) is None:
            known = self._decoding(context)
            if self.keeps:
                self._reads[context] = known
        return known

    def _decoding(self, context: float) -> tuple[float, float]:
        tp, kinds = self.layout.tp, self.attended
        read = formulas.memory.sequence_cache_read(
            layers_of_kind=[one.layers for one in kinds],
            rank_cache_read=[self._rank_read(one, context) for one in kinds],
        )
        if not self.latent:
            return read, 0.0
        flops = formulas.step.attention_flops_per_token(
            layers_of_kind=[one.layers for one in kinds],
            layer_attention_flops=[attended_flops(one.attention._replace(state=0), context) for one in kinds],
        )
        return read, formulas.kernels.rank_flops(flops_of_all=flops, tensor_ranks=tp)

    def _rank_read(self, one: Attended, context: float) -> float:
        attention = one.attention._replace(state=0)
        return rank_cache_read(self.model, attention, self.layout.tp, context, copies=one.copies)

    def prompting(self, tokens: float, cached: float) -> tuple[float, float]:
        """Operations of a prompt's attention on one rank: of scores and values, and of states."""
        if (known := self._prompts.get((tokens, cached))) is None:
            known = self._prompting(tokens, cached)
            if self.keeps:
                self._prompts[tokens, cached] = known
        return known

    def _prompting(self, tokens: float, cached: float) -> tuple[float, float]:
        kinds, tp = self.attended, self.layout.tp
        layers = [one.layers for one in kinds]
        scores = formulas.step.prompt_attention_flops(
            layers_of_kind=layers,
            layer_prompt_flops=[prompt_flops(one.attention._replace(state=0), tokens, cached) for one in kinds],
        )
        states = 0.0
        if self.stateful:
            of_states = [prompt_flops(Attention("state", state=one.attention.state), tokens, cached) for one in kinds]
            every = formulas.step.prompt_attention_flops(layers_of_kind=layers, layer_prompt_flops=of_states)
            states = formulas.kernels.rank_flops(flops_of_all=every, tensor_ranks=tp)
        return formulas.kernels.rank_flops(flops_of_all=scores, tensor_ranks=tp), states


def _layers(layers: Sequence[int]) -> float:
    return formulas.kernels.layers_alike(layers_of_kind=layers)


def _kv_heads(attention: Attention, copies: float, tp: int) -> float:
    """KV heads of one layer on one rank."""
    if tp == 1:
        return attention.kv_heads
    return formulas.kernels.layer_kv_heads(kv_heads=attention.kv_heads, kv_copies=copies, tensor_ranks=tp)


def _prompt_elements(one: Attended, tp: int) -> float:
    """Elements of queries, keys, values and outputs of one token in one layer, halved: each is of 2 bytes twice."""
    attention = one.attention
    if attention.latent:
        elements = formulas.kernels.latent_prompt_elements
        return elements(head_dim=attention.head_dim, heads=attention.heads, tensor_ranks=tp)
    return formulas.kernels.layer_prompt_elements(
        head_dim=attention.head_dim,
        heads=attention.heads,
        tensor_ranks=tp,
        layer_kv_heads=_kv_heads(attention, one.copies, tp),
    )


def _normed(attention: Attention) -> bool:
    """Whether the norm of queries and keys spans all heads: its vectors are as long as these."""
    width = (attention.heads + attention.kv_heads) * attention.head_dim
    return bool(attention.kv_heads) and not attention.latent and attention.small == width


def format_of(model: Model, part: str) -> str:
    """The format whose kernels multiply a part of the weights: by its bits, scales included."""
    quantization = model.quantization
    bits, name = quantization.of(part), quantization.name.lower()
    if bits > 10:
        return "fp32" if bits > 20 else "bf16"
    if bits > 6:
        if "int" in name or "w8a8" in name:
            return "int8"
        return "fp8_block" if quantization.block else "fp8"
    if "mxfp4" in name or "fp8" in name:  # experts of four bits beside matrices of eight
        return "mxfp4"
    return "nvfp4" if "fp4" in name else "int4"


def _summed(parts: list[Part]) -> Products:
    """Products in one format, summed over the parts of all layers."""
    layers = [part.layers for part in parts]
    params = [part.params for part in parts]
    return Products(
        format=parts[0].format,
        number=formulas.kernels.product_launches(layers_of_kind=layers, part_products=[part.number for part in parts]),
        params=formulas.kernels.product_params(layers_of_kind=layers, rank_matrices=params),
        weights=formulas.kernels.product_weights(
            layers_of_kind=layers,
            rank_matrices=params,
            bytes_per_param=[part.bytes_per_param for part in parts],
        ),
        inputs=formulas.kernels.product_inputs(layers_of_kind=layers, part_inputs=[part.inputs for part in parts]),
        outputs=formulas.kernels.product_outputs(layers_of_kind=layers, part_outputs=[part.outputs for part in parts]),
    )


def _part(model: Model, part: str, layers: int, number: int, params: float, inputs: float, outputs: float) -> Part:
    format = "bf16" if part == "router" else format_of(model, part)
    return Part(format, layers, model.quantization.of(part) / 8, number, params, inputs, outputs)


def _on_rank(params: float, tp: int) -> float:
    return formulas.kernels.rank_matrices(part_matrices=params, tensor_ranks=tp) if tp > 1 else params


def _of_attention(model: Model, layer: Layer, layout: Layout) -> Iterator[Part]:
    """Products around one layer's attention on one rank."""
    attention, tp = layer.attention, layout.tp
    if not (attention.split or attention.copied):
        return
    copies, params = kv_copies(attention, tp), float(attention.split)
    if tp > 1 or attention.copied:
        params = formulas.kernels.rank_attention_matrices(
            attention_matrices=attention.split,
            kv_copies=1 if attention.latent else copies,
            kv_params=0 if attention.latent else kv_params(model, attention),
            tensor_ranks=tp,
            copied_matrices=attention.copied,
        )
    if attention.latent:
        number, sides = INDEXED if attention.index_flops else LATENT, _of_latents(attention, model.hidden_size, tp)
    elif attention.state or not attention.cache + attention.borrowed:
        number, sides = LINEAR, _of_states(attention, model.hidden_size, tp)
    else:
        number, sides = ATTENTION, _of_heads(attention, model.hidden_size, tp, copies)
    yield _part(model, "attention", layer.times, number, params, *sides)


def _of_latents(attention: Attention, width: int, tp: int) -> tuple[float, float]:
    """Elements that a row brings into and takes out of the products around a layer's latent attention."""
    heads, rank, value = attention.heads, attention.query_rank, attention.v_head_dim
    inputs = formulas.kernels.latent_inputs(
        hidden_size=width, query_rank=rank, heads=heads, tensor_ranks=tp, v_head_dim=value
    )
    outputs = formulas.kernels.latent_outputs(
        query_rank=rank,
        cache_elements=attention.cache,
        heads=heads,
        tensor_ranks=tp,
        head_dim=attention.head_dim,
        v_head_dim=value,
        hidden_size=width,
    )
    return inputs, outputs


def _of_states(attention: Attention, width: int, tp: int) -> tuple[float, float]:
    """The same around a layer's linear attention."""
    inputs = formulas.kernels.linear_inputs(hidden_size=width, tensor_ranks=tp)
    outputs = formulas.kernels.linear_outputs
    return inputs, outputs(attention_matrices=attention.split, hidden_size=width, tensor_ranks=tp)


def _of_heads(attention: Attention, width: int, tp: int, copies: float) -> tuple[float, float]:
    """The same around attention of query and KV heads."""
    heads, value = attention.heads, attention.v_head_dim
    inputs = formulas.kernels.attention_inputs(hidden_size=width, heads=heads, tensor_ranks=tp, v_head_dim=value)
    outputs = formulas.kernels.attention_outputs(
        heads=heads,
        tensor_ranks=tp,
        head_dim=attention.head_dim,
        layer_kv_heads=_kv_heads(attention, copies, tp),
        v_head_dim=value,
        hidden_size=width,
    )
    return inputs, outputs


def _of_ffn(model: Model, layer: Layer, layout: Layout) -> Iterator[Part]:
    """Products of one layer's feed-forward part on one rank, routed experts apart."""
    ffn, d, tp = layer.ffn, model.hidden_size, layout.tp
    for part, matrices, width in (("ffn", ffn.dense + ffn.reused, ffn.width), ("shared", ffn.shared, 0)):
        if matrices:
            inner = width or _inner(matrices, d)
            yield _part(
                model,
                part,
                layer.times,
                FFN,
                _on_rank(matrices, tp),
                formulas.kernels.ffn_inputs(hidden_size=d, ffn_width=inner, tensor_ranks=tp),
                formulas.kernels.ffn_outputs(ffn_width=inner, tensor_ranks=tp, hidden_size=d),
            )
    if ffn.router:
        yield _part(model, "router", layer.times, ROUTER, ffn.router, d, ffn.experts)


def _inner(matrices: float, width: int) -> float:
    """Width inside a gated part of so many parameters."""
    return formulas.kernels.inner_width(part_matrices=matrices, gated_matrices=GATED, input_width=width)


def _routed(model: Model, ffn: Ffn, layers: int, slices: int) -> Routed:
    inner, entering = ffn.width or _inner(ffn.expert, model.hidden_size), ffn.expert_input or model.hidden_size
    params, weights, width = float(ffn.expert), expert_bytes(model, ffn), inner
    if slices > 1:
        params = formulas.kernels.rank_expert_params(expert_matrices=params, slice_ranks=slices)
        weights = formulas.kernels.rank_expert_weights(expert_weights=weights, slice_ranks=slices)
        width = formulas.kernels.expert_width(expert_inner=inner, slice_ranks=slices)
    return Routed(
        format=format_of(model, "experts"),
        layers=layers,
        experts=ffn.experts,
        active=ffn.active,
        params=params,
        weights=weights,
        input=entering,
        width=width,
        matrices=formulas.kernels.matrices_of_expert(
            expert_matrices=ffn.expert, expert_inner=inner, expert_input=entering
        ),
        groups=ffn.groups,
        token_groups=ffn.token_groups,
    )
