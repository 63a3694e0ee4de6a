"""What a pass asks of a replica: bytes and operations, summed over layers once a layout; what a host keeps of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.model import Attention, Ffn, Layer, Model, arithmetic_format, format_of_bits
from infercost.numeric import is_nothing, name_of_largest
from infercost.parts.accelerator import find_rate, rate_for
from infercost.parts.formats import Format
from infercost.parts.preset import Preset
from infercost.quantities import CONSTANTS
from infercost.replica.layout import (
    Layout,
    expert_bytes,
    head_bits,
    kv_copies,
    layer_dense_bytes,
    rank_cache_bytes,
    rank_cache_read,
    rank_weight_bytes,
)


class Experts(NamedTuple):
    """All layers whose routed experts are alike: how many, in what groups, and bytes of one expert of each layer."""

    experts: float
    active: int
    groups: int
    token_groups: int
    bytes: float


class Attending(NamedTuple):
    """Layers whose attention is alike, how often all ranks hold its KV heads, and the query heads a KV head.

    ``queries`` is one where nothing is shared, and for latents, whose kernels were made for all heads at once.
    """

    attention: Attention
    layers: int
    copies: float
    queries: float


class Work(NamedTuple):
    """Sums over the layers of a model under a layout; a bare count has no attention, and may have no width.

    ``bytes`` are read whatever the batch, ``activation_bytes`` moved by one token on one rank. Of the parameters that
    multiply, ``matrices`` serve every token, ``routed`` are those of the experts that one uses, ``head`` the output's.
    """

    model: Model
    ranks: int
    layout: Layout
    layers: int
    sparse_layers: int
    hidden_size: int
    bytes: float
    matrices: float
    routed: float
    head: float
    experts: tuple[Experts, ...]
    attending: tuple[Attending, ...]
    activation_bytes: float

    def bytes_read(self, tokens: float) -> float:
        """Bytes of weights that all ranks read for so many tokens: distinct experts are hit, the rest is read whole."""
        if not self.experts:
            return self.bytes
        return formulas.memory.bytes_read(
            dense_weights_read=self.bytes,
            experts_hit=[hit(each, tokens) for each in self.experts],
            expert_of_each_layer=[each.bytes for each in self.experts],
        )

    def all_bytes_read(self) -> float:
        """The same for tokens that hit every expert: a table of which each token reads a row is not among them."""
        if not self.experts:
            return self.bytes
        return formulas.memory.bytes_read(
            dense_weights_read=self.bytes,
            experts_hit=[each.experts for each in self.experts],
            expert_of_each_layer=[each.bytes for each in self.experts],
        )

    def cache_read(self, sequences: float, context: float, rereads: float = 0.0) -> float:
        """Bytes of cache that all ranks read for so many sequences of all groups.

        ``rereads`` is the share of a group's query heads that read their KV head again rather than with the first.
        """
        groups = self.layout.dp
        return formulas.memory.cache_read(
            sequence_cache_read=formulas.memory.sequence_cache_read(
                layers_of_kind=[each.layers for each in self.attending],
                rank_cache_read=[self._rank_read(each, context, rereads) for each in self.attending],
            ),
            ranks=self.ranks,
            sequences=sequences if groups == 1 else formulas.memory.group_sequences(batch=sequences, groups=groups),
        )

    def _rank_read(self, kind: Attending, context: float, rereads: float) -> float:
        """Bytes that one rank reads of one sequence's cache in one layer."""
        reads = formulas.memory.cache_reads(queries=kind.queries, cache_rereads=rereads) if rereads else 1
        return rank_cache_read(self.model, kind.attention, self.layout.tp, context, copies=kind.copies, reads=reads)

    def flops_per_token(self, heads: float = 1.0, hottest: float = 1.0) -> float:
        """Operations of the matrices per token, all ranks: ``heads`` is the share of tokens that need the output head.

        ``hottest`` is how many times the mean load the rank with the most popular experts has.
        """
        return formulas.step.flops_per_token(
            flops_per_param=counting.FLOPS_PER_PARAM,
            matrix_params=self.matrices,
            routed_params=self.routed,
            hottest_rank=hottest,
            head_params=self.head,
            head_share=heads,
        )

    def attention_flops(self, context: float) -> float:
        """Operations of one token's attention over its context, all layers."""
        return formulas.step.attention_flops_per_token(
            layers_of_kind=[each.layers for each in self.attending],
            layer_attention_flops=[counting.attended_flops(each.attention, context) for each in self.attending],
        )

    def prompt_flops(self, tokens: float, cached: float) -> float:
        """Operations of the attention of a prompt's tokens after so many that are cached, all layers."""
        return formulas.step.prompt_attention_flops(
            layers_of_kind=[each.layers for each in self.attending],
            layer_prompt_flops=[counting.prompt_flops(each.attention, tokens, cached) for each in self.attending],
        )

    def whole_prompt_flops(self, tokens: float, cached: float) -> float:
        """Operations of a prompt's tokens after so many that are cached: matrices, the head once, attention."""
        heads = formulas.step.head_share(pass_heads=1, tokens=tokens)
        return formulas.step.prompt_flops(
            flops_per_token=self.flops_per_token(heads),
            tokens=tokens,
            prompt_attention_flops=self.prompt_flops(tokens, cached),
        )


class MatrixRates(NamedTuple):
    """Operations per second of a token's matrices on one device: of all, of all but the output head, and of that."""

    all: float
    body: float
    head: float


class Parts(NamedTuple):
    """Seconds of one pass by what they are spent on; ``communication`` is None where layers are not known.

    ``host`` is what a host takes that holds a part of the model.
    """

    matrix_compute: float
    matrix_memory: float
    attention_compute: float
    attention_memory: float
    activations: float
    communication: float | None
    overhead: float
    host: float = 0.0

    @property
    def compute(self) -> float:
        """Arithmetic of matrices and attention."""
        return self.matrix_compute + self.attention_compute

    @property
    def memory(self) -> float:
        """Reads of weights and cache, and activations."""
        return self.matrix_memory + self.attention_memory + self.activations

    @property
    def by_operator(self) -> dict[str, float]:
        """Parts that add up to a step in which operators wait for each other."""
        matrix_reads, cache_reads = (
            self.matrix_memory > self.matrix_compute,
            self.attention_memory > self.attention_compute,
        )
        return {
            "weights": self.matrix_memory if matrix_reads else 0.0,
            "cache": self.attention_memory if cache_reads else 0.0,
            "arithmetic": (0.0 if matrix_reads else self.matrix_compute)
            + (0.0 if cache_reads else self.attention_compute),
            "activations": self.activations,
            "collectives": self.communication or 0.0,
            "launch": self.overhead,
            **({} if is_nothing(self.host) else {"host": self.host}),
        }


class Times(NamedTuple):
    """Seconds of one step and of its parts; ``waits`` add up to the step where its law says what it waits for."""

    parts: Parts
    step: float
    waits: Mapping[str, float] | None = None

    @property
    def by_operator(self) -> Mapping[str, float]:
        """Parts that add up to the step, where operators wait for each other."""
        return self.parts.by_operator if self.waits is None else self.waits

    @property
    def bound(self) -> str:
        """The part that takes longest; ``host`` where that takes more than all of the rest."""
        sent, host = self.parts.communication, self.parts.host
        if not is_nothing(host) and host > self.step - host:
            return "host"
        return name_of_largest(
            {
                "memory": self.parts.memory,
                "compute": self.parts.compute,
                "communication": 0.0 if sent is None else sent,
                "latency": self.parts.overhead,
            }
        )


class PassTimes(NamedTuple):
    """Seconds of one pass by kinds of kernels, and the time of the whole.

    ``overlapping`` are dense products: arithmetic, traffic, and both as they overlap. ``added`` (experts, inputs that
    are quantized) and ``attention`` are times of arithmetic, and of traffic, that add up. ``spent`` are the times of
    products, attention, elementwise work, collectives and launches; ``host`` what the engine's host adds. ``far`` is
    what layers, or parts of layers, take that lie in a host's memory.
    """

    step: float
    overlapping: list[tuple[float, float, float]]
    added: tuple[list[float], list[float]]
    attention: tuple[list[float], list[float]]
    spent: tuple[float, ...]
    host: float
    uneven: float
    far: float = 0.0

    @property
    def times(self) -> Times:
        """The same by the parts that every law has, and by what the pass waits for in turn."""
        uneven, (products, attention, elements, sent, launched) = self.uneven, self.spent
        added, moved, attending = (uneven * sum(each) for each in (*self.added, self.attention[0]))
        # of two that overlap each has its square's share of their time
        shared = uneven * sum(time * flops**2 / (flops**2 + moved**2) for flops, moved, time in self.overlapping)
        parts = Parts(
            matrix_compute=added + uneven * sum(flops for flops, _, _ in self.overlapping),
            matrix_memory=moved + uneven * sum(moved for _, moved, _ in self.overlapping),
            attention_compute=attending,
            attention_memory=attention - attending,
            activations=elements,
            communication=sent,
            overhead=launched + self.host,
            host=self.far,
        )
        waits = {
            "weights": products - shared - added,
            "cache": attention - attending,
            "arithmetic": shared + added + attending,
            "activations": elements,
            "collectives": sent,
            "launch": launched + self.host,
            **({} if is_nothing(self.far) else {"host": self.far}),
        }
        return Times(parts, self.step, waits)


class Load(NamedTuple):
    """What one pass moves: sequences that decode, each so many tokens at a context, and tokens of prompts.

    ``sequences`` may be an array: each part of the pass is then one too, or the same for all of them. ``prompts`` are
    the prompts that end in this pass, ``cached`` the tokens that lie before the new ones, ``whole_prompt`` those of a
    whole prompt where its parts come in several passes.
    """

    sequences: float = 0
    context: float = 0
    tokens_each: float = 1
    prompt_tokens: float = 0
    prompts: float = 0
    cached: float = 0
    whole_prompt: float = 0

    @property
    def tokens(self) -> float:
        """Tokens that pass through the matrices."""
        if self.tokens_each == 1 and not self.prompt_tokens:
            return self.sequences
        return formulas.step.pass_tokens(
            sequences=self.sequences, tokens_each=self.tokens_each, prompt_tokens=self.prompt_tokens
        )

    @property
    def heads(self) -> float:
        """Tokens that need the output head."""
        if self.tokens_each == 1 and not self.prompts:
            return self.sequences
        return formulas.step.pass_heads(sequences=self.sequences, tokens_each=self.tokens_each, prompts=self.prompts)

    @property
    def decoded(self) -> float:
        """Tokens that are decoded."""
        if self.tokens_each == 1:
            return self.sequences
        return formulas.step.pass_tokens(sequences=self.sequences, tokens_each=self.tokens_each, prompt_tokens=0)

    def idle_groups(self, groups: int) -> float:
        """How many data parallel groups there are for each that the prompts of this pass give something to attend."""
        return 1 if groups == 1 else formulas.step.idle_groups(groups=groups, prompts=self.prompts)


#: Share of a host's memory to plan with.
USABLE = CONSTANTS["host_usable"].value
_NO_ATTENTION, _NO_FFN = Attention("none"), Ffn("none")


class Host(NamedTuple):
    """A host and what is asked to lie in it: a word of ``OFFLOADS``, of so many layers, or of all where that is 0.

    Without a word it holds as much as is needed: experts first, then whole layers.
    """

    preset: Preset
    offload: str = ""
    layers: int = 0

    @property
    def memory(self) -> float:
        """Bytes of its memory."""
        return self.preset.value("memory")

    @property
    def link(self) -> float:
        """B/s, one direction, between it and one card."""
        return self.preset.value("link_bandwidth")

    def ways(self, model: Model) -> Iterator["Offload"]:
        """What may lie in it, the least first."""
        sparse, depth = sparse_layers(model), model.depth
        if self.offload == "experts":
            yield Offload(experts=min(self.layers or sparse, sparse))
        elif self.offload == "layers":
            yield Offload(layers=min(self.layers or depth, depth))
        elif self.offload == "kv":
            yield Offload(cache=True)
        else:
            yield from (Offload(experts=count) for count in range(sparse + 1))
            yield from (Offload(experts=sparse, layers=count) for count in range(1, depth + 1))


class Offload(NamedTuple):
    """What lies in a host: the experts of so many sparse layers, so many whole layers, the cache of all layers."""

    experts: int = 0
    layers: int = 0
    cache: bool = False


class Split(NamedTuple):
    """A model in two: ``near`` stays on the cards, ``far`` are the layers, or parts of layers, in the host."""

    offload: Offload
    near: Model
    far: Model

    @property
    def host_layers(self) -> int:
        """Layers that the host works on, or holds a part of."""
        return self.far.depth

    @property
    def far_weights(self) -> float:
        """Bytes of weights in the host."""
        return rank_weight_bytes(self.far, Layout()) if self.far.layers else 0.0

    def far_cache(self, context: float) -> float:
        """Bytes of one sequence's cache in the host."""
        return rank_cache_bytes(self.far, Layout(), context) if self.far.layers else 0.0


class Link(NamedTuple):
    """The way from a host to so many cards: B/s of a card's own link to it, if known, of the host's, of its memory."""

    devices: int
    card: float | None
    host: float
    memory: float

    @property
    def bandwidth(self) -> float:
        """B/s to all cards together."""
        return formulas.memory.sent_bandwidth(
            devices=self.devices, card_link=self.card or self.host, board_link=self.host, host_nominal=self.memory
        )

    @property
    def narrowest(self) -> str:
        """What limits it: the host's ``memory``, the ``card``'s link or the ``host``'s."""
        each = min(self.card or self.host, self.host)
        if self.memory < self.devices * each:
            return "memory"
        return "card" if self.card and self.card < self.host else "host"


class Over(NamedTuple):
    """What comes over a link in every pass: bytes of weights, and of one sequence's cache."""

    weights: float
    cache: float
    link: Link

    def time(self, load: Load) -> float:
        """Seconds for a pass of a load."""
        return formulas.memory.link_time(
            far_weights=self.weights,
            sequences=load.sequences,
            far_cache=self.cache,
            sent_bandwidth=self.link.bandwidth,
        )


class Read(NamedTuple):
    """What a host reads in every pass at its memory's nominal bandwidth, while the cards do their ``near`` work.

    No engine is faster, whether it computes there or sends: what goes over a link is read out of that memory too.
    """

    work: Work
    near: Work
    bandwidth: float

    def time(self, load: Load) -> float:
        """Seconds for a pass of a load."""
        return formulas.memory.host_read_time(
            bytes_read=self.work.bytes_read(load.tokens),
            cache_read=self.work.cache_read(load.sequences, load.context) if self.work.attending else 0.0,
            host_nominal=self.bandwidth,
        )


def hit(experts: Experts, tokens: float) -> float:
    """Distinct experts of a layer that so many tokens use."""
    return formulas.layer.experts_hit(experts=experts.experts, active_experts=experts.active, tokens=tokens)


def work_of(model: Model, layout: Layout, active: float | None = None) -> Work:
    """The work of a model under a layout; ``active`` are the parameters that a part of a model multiplies with."""
    head, ranks = model.head or model.embedding, layout.ranks
    routed = routed_params(model)
    return Work(
        model=model,
        ranks=ranks,
        layout=layout,
        layers=model.depth,
        sparse_layers=sum(layer.times for layer in model.layers if layer.ffn.experts),
        hidden_size=model.hidden_size,
        bytes=_dense_bytes(model, layout, head, ranks),
        matrices=formulas.step.matrix_params(
            active_params=counting.active_params(model) if active is None else active,
            head_params=head,
            routed_params=routed,
        ),
        routed=routed,
        head=head,
        experts=_experts(model),
        attending=_attending(model, layout),
        activation_bytes=activations(model, layout),
    )


def _dense_bytes(model: Model, layout: Layout, head: int, ranks: int) -> float:
    """Bytes that all ranks read whatever the batch."""
    bits = model.quantization.of
    return formulas.memory.dense_weights_read(
        layers_of_kind=counting.times(model),
        layer_dense_weights=[layer_dense_bytes(model, layer, layout) for layer in model.layers],
        reused_params=reused_params(model),
        ffn_bytes_per_param=bits("ffn") / 8,
        head_params=head,
        head_bytes_per_param=head_bits(model) / 8,
        tensor_ranks=layout.tp,
        norm_params=model.small,
        norm_bytes_per_param=bits("norms") / 8,
        ranks=ranks,
    )


def reused_params(model: Model) -> float:
    """Parameters of blocks that later layers multiply again."""
    reused = [(layer.times, layer.ffn.reused) for layer in model.layers if layer.ffn.reused]
    times, params = zip(*reused, strict=True) if reused else ((), ())
    return formulas.memory.reused_params(layers_of_kind=times, params_of_block=params) if reused else 0


def _sparse(model: Model) -> dict[tuple[float, int, int, int], list[Layer]]:
    """Layers with routed experts by how many there are, how many a token uses, and their groups."""
    kinds: dict[tuple[float, int, int, int], list[Layer]] = {}
    for ffn, layer in ((layer.ffn, layer) for layer in model.layers if layer.ffn.experts):
        kinds.setdefault((ffn.experts, ffn.active, ffn.groups, ffn.token_groups), []).append(layer)
    return kinds


def routed_params(model: Model, *, biases: bool = True) -> float:
    """Parameters of the routed experts that one token uses."""
    sparse = [layer for layer in model.layers if layer.ffn.experts]
    if not sparse:
        return 0
    return formulas.step.routed_params(
        layers_of_kind=[layer.times for layer in sparse],
        active_experts=[layer.ffn.active for layer in sparse],
        params_per_expert=[layer.ffn.expert + (layer.ffn.expert_small if biases else 0) for layer in sparse],
    )


def _experts(model: Model) -> tuple[Experts, ...]:
    """Experts by how many there are and how many a token uses."""
    return tuple(
        Experts(
            *kind,
            formulas.memory.expert_of_each_layer(
                layers_of_kind=[layer.times for layer in layers],
                expert_weights=[expert_bytes(model, layer.ffn) for layer in layers],
            ),
        )
        for kind, layers in _sparse(model).items()
    )


def _attending(model: Model, layout: Layout) -> tuple[Attending, ...]:
    """Attention by kind: layers that only differ in their feed-forward part are one."""
    return tuple(
        Attending(kind, count, copies, _queries(kind, copies))
        for kind, count in model.attentions.items()
        if kind.heads or kind.cache or kind.state
        for copies in [kv_copies(kind, layout.tp)]
    )


def _queries(attention: Attention, copies: float) -> float:
    """Query heads of a rank that share a KV head."""
    return 1 if attention.latent or not attention.kv_heads else attention.heads / (attention.kv_heads * copies)


def activations(model: Model, layout: Layout) -> float:
    """Bytes that one token's activations move outside the matrices, on one rank of its group; 0 without a width."""
    if not model.hidden_size:
        return 0.0
    return formulas.step.token_activations(
        layers_of_kind=counting.times(model),
        activation_traffic=[_layer_activations(model, layer, layout) for layer in model.layers],
    )


def _layer_activations(model: Model, layer: Layer, layout: Layout) -> float:
    attention, ffn = layer.attention, layer.ffn
    return formulas.layer.activation_traffic(
        hidden_size=model.hidden_size,
        head_elements=formulas.layer.head_elements(
            heads=attention.heads, head_dim=attention.head_dim, cache_elements=attention.cache
        ),
        ffn_elements=formulas.layer.ffn_elements(
            dense_params=ffn.dense,
            shared_params=ffn.shared,
            active_experts=ffn.active,
            expert_matrices=ffn.expert,
            hidden_size=model.hidden_size,
        ),
        ranks=layout.tp,
    )


def matrix_rates(model: Model, part: Preset, served: Format | None = None) -> MatrixRates:
    """Operations per second of one token's matrices: the mean of their formats' rates, weighed by time.

    ``served`` is the format whose arithmetic serves the model's main one, where kernels unpack that.

    Raises:
        Missing: the part has no rate for the model's main format.
    """
    own, counts = arithmetic_format(model.quantization), _multiplied(model)
    main = rate_for(part, served or own).fact.value
    formats = {name: format_of_bits(model.quantization, model.quantization.of(name)) for name in counts}
    found = {name: find_rate(part, served if served and each == own else each) for name, each in formats.items()}
    rates = {name: rate.fact.value if rate and len(counts) > 1 else main for name, rate in found.items()}

    def mean(names: Sequence[str]) -> float:
        if len(names) == 1:
            return rates[names[0]]
        return formulas.step.mixed_peak_flops(
            multiplied_params=[counts[name] for name in names], format_peak_flops=[rates[name] for name in names]
        )

    *body, head = counts
    if not body or len({*rates.values()}) == 1:
        return MatrixRates(*[mean([*counts])] * 3)
    return MatrixRates(mean([*counts]), mean(body), rates[head])


def _multiplied(model: Model) -> dict[str, float]:
    """Parameters that one token multiplies with, by part of the weights."""
    whole = counting.params_by_part(model)
    counts: dict[str, float] = {name: whole[name] for name in ("attention", "ffn", "shared", "router")}
    counts["experts"] = routed_params(model, biases=False)
    counts["head" if model.head else "embedding"] = model.head or model.embedding
    return {name: count for name, count in counts.items() if count}


# A model in two memories: what stays on the cards, and what lies in the memory of their host.


def sparse_layers(model: Model) -> int:
    """Layers with routed experts."""
    return sum(layer.times for layer in model.layers if layer.ffn.experts)


def split(model: Model, offload: Offload) -> Split:
    """A model with some of it in a host; layers of several kinds go there in proportion.

    A layer in the host leaves an empty one on the cards, so that both count the same layers.
    """
    near, far = [], []
    whole = _shared_out(offload.layers, [layer.times for layer in model.layers])
    left = [layer.times - gone for layer, gone in zip(model.layers, whole, strict=True)]
    routed = [count if layer.ffn.experts else 0 for layer, count in zip(model.layers, left, strict=True)]
    experts = _shared_out(min(offload.experts, sum(routed)), routed)
    for layer, gone, sparse, count in zip(model.layers, whole, experts, left, strict=True):
        near += [layer._replace(times=count - sparse), _without_experts(layer)._replace(times=sparse)]
        near.append(Layer(gone, _NO_ATTENTION, _NO_FFN))
        far += [layer._replace(times=gone), Layer(sparse, _NO_ATTENTION, _experts_alone(layer.ffn))]
    if offload.cache:
        far += [Layer(layer.times, _cache_alone(layer.attention), _NO_FFN) for layer in near if layer.attention.cache]
        near = [layer._replace(attention=_without_cache(layer.attention)) for layer in near]
    nothing = model._replace(embedding=0, head=0, small=0, lookup=0, vision_params=0, mtp_params=0)
    there = offload._replace(experts=sum(experts))
    return Split(there, model._replace(layers=_there(near)), nothing._replace(layers=_there(far)))


def _there(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(layer for layer in layers if layer.times)


def _shared_out(count: int, of_kind: Sequence[int]) -> list[int]:
    """So many layers, taken from each kind in proportion."""
    total, seen, taken = sum(of_kind), 0, 0
    parts = []
    for times in of_kind:
        seen += times
        upto = count * seen // total if total else 0
        parts.append(upto - taken)
        taken = upto
    return parts


def _without_experts(layer: Layer) -> Layer:
    """A layer whose routed experts are elsewhere; its router and shared experts stay."""
    return layer._replace(ffn=layer.ffn._replace(experts=0, active=0, expert=0, expert_small=0))


def _experts_alone(ffn: Ffn) -> Ffn:
    """The routed experts of a layer."""
    return ffn._replace(dense=0, shared=0, router=0, small=0, reused=0)


def _without_cache(attention: Attention) -> Attention:
    return attention._replace(cache=0, index_cache=0, borrowed=0)


def _cache_alone(attention: Attention) -> Attention:
    return attention._replace(split=0, copied=0, small=0, state=0, conv=0, query_rank=0, matrices=())


def link_of(host: Host, part: Preset, devices: int) -> Link:
    """The way from a host to so many cards, whose links to each other may be others than those to the host."""
    fact = part.facts.get(card_link_key(part))
    return Link(devices, fact.value if fact else None, host.link, host.preset.value("memory_bandwidth"))


def card_link_key(part: Preset) -> str:
    """The figure of a part's own link to its host: the one between cards where that goes over PCIe."""
    shared = part.labels.get("link") in ("pcie", "host") and "host_link_bandwidth" not in part.facts
    return "link_bandwidth" if shared else "host_link_bandwidth"


def read_of(parts: Split, layout: Layout, host: Host) -> Read:
    """What a host and the cards read of a model in two."""
    there = _params_in_host(parts.far)
    here = formulas.memory.params_on_cards(
        active_params=counting.active_params(parts.near) + there, params_in_host=there
    )
    far, near = work_of(parts.far, Layout(), there), work_of(parts.near, layout, here)
    return Read(far, near, host.preset.value("memory_bandwidth"))


def _params_in_host(far: Model) -> float:
    """Parameters of the layers in a host that multiply for one token."""
    parts = ((counting.split_part(far, layer), counting.copied_part(far, layer)) for layer in far.layers)
    return formulas.memory.params_in_host(
        layers_of_kind=counting.times(far),
        params_of_layer=[
            formulas.memory.params_of_layer(split_params=split.params, copied_params=copied.params)
            for split, copied in parts
        ],
        reused_params=reused_params(far),
        routed_params=routed_params(far),
    )


def held_memory(host: Host) -> float:
    """Bytes of a host's memory that may be planned with."""
    return formulas.memory.host_room(host_memory=host.memory, host_usable=USABLE)
