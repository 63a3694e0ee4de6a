"""The pass of llama.cpp: layers in one product, the head in another, experts, cache and launches, one after another.

All devices work in turn, each on whole layers, so a pass takes as long on several as on one.
"""

from math import inf
from typing import NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.models.model import Attention, Ffn, Layer, Model
from infercost.numeric import is_nothing, where
from infercost.parts.preset import Preset
from infercost.quantities import CONSTANTS
from infercost.replica.chip import Backend, host_backend
from infercost.replica.layout import Layout, expert_bytes
from infercost.replica.sums import GATED, Attended, Sums, once
from infercost.replica.work import Load, PassTimes

CELL, OPERATIONS, ELEMENT, ROUTER, STATE = (
    CONSTANTS[name].value
    for name in ("cell_tokens", "attention_operations", "element_bytes", "router_bytes", "state_traffic")
)
#: More bits than any quantized format has, and the names of 16-bit weights that sum in 16 bits.
SIXTEEN, HALVES = 10, ("fp16", "f16")
#: Figures of a part, one of which is there where its arithmetic is counted.
RATES = ("flops_bf16", "flops_fp16", "flops_fp32")


class Rates(NamedTuple):
    """What a format's products reach: FLOP/s of many rows and B/s of their weights; infinite where none is counted."""

    flops: float
    bandwidth: float


class Products(NamedTuple):
    """Dense products of all layers, or of the head: parameters, bytes, rates."""

    params: float
    weights: float
    rates: Rates


class Experts(NamedTuple):
    """Sparse layers whose routed experts are alike: parameters and bytes of one, rates, seconds to start it alone."""

    layers: int
    experts: float
    active: int
    params: float
    weights: float
    rates: Rates
    launch: float


class Halves(NamedTuple):
    """What of a model is on the devices, what lies in a host, and the host."""

    near: Model
    far: Model
    host: Preset


class Timing:
    """The passes of a model on a part under llama.cpp, what lies in a host included.

    ``keeps`` is false for what ``--steps`` shows.
    """

    chip: None = None  # no kernels were timed alone

    def __init__(
        self, model: Model, part: Preset, engine: Backend, *, keeps: bool = True, halves: Halves | None = None
    ) -> None:
        self.model, self.part, self.engine, self.keeps = halves.near if halves else model, part, engine, keeps
        self.whole, self.halves = model, halves
        self.sums = Sums(self.model, Layout(), keeps=keeps)
        self.used: dict[str, None] = {}
        self._reads: dict[float, tuple[float, float]] = {}
        self._prompts: dict[tuple[float, float], float] = {}

    def on(self, model: Model, _: Layout) -> "Timing":
        """The same of another model; devices take turns, so layouts are alike."""
        return self if model is self.whole else Timing(model, self.part, self.engine, keeps=self.keeps)

    def again(self) -> "Timing":
        """The same, worked out anew whenever it is asked: what ``--steps`` shows of it."""
        return Timing(self.whole, self.part, self.engine, keeps=False, halves=self.halves)

    def with_halves(self, near: Model, far: Model) -> "Timing":
        """The same with another part of the model in the host."""
        assert self.halves is not None
        halves = self.halves._replace(near=near, far=far)
        return Timing(self.whole, self.part, self.engine, keeps=self.keeps, halves=halves)

    def far_time(self, batch: float, context: float) -> float:
        """Seconds of a decoding step that the host takes."""
        return self.far.pass_of(Load(batch, context)).step if self.far else 0.0

    def settle(self) -> "Timing":
        """The same once it has used all figures of its part."""
        for load in (Load(1, 1), Load(prompt_tokens=1, prompts=1)):
            self.pass_of(load)
        return self

    @property
    def groups(self) -> int:
        """Data parallel groups."""
        return 1

    @once
    def counts_arithmetic(self) -> bool:
        """Whether arithmetic and elementwise work are counted: of what lies in a host only reads and hand-overs are."""
        return any(key in self.part.facts for key in RATES)

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of the peak and of the bandwidth that products of many rows reach."""
        return self.engine.compute_share, self.engine.memory_share

    @property
    def multiplies_in_8_bits(self) -> bool:
        """Whether products of many rows in the layers' format are of 8 bits, as CUDA's of quantized weights are."""
        number, read, _ = self.layers
        quantized = bool(number) and 8 * read / number <= SIXTEEN
        new = self.engine.kernels == "cuda" and self.engine.older_products == 1
        return quantized and new and "flops_int8" in self.part.facts

    # rates
    def _figure(self, *names: str) -> float:
        """The first of some figures that the part has, in its own words; infinite where arithmetic is not counted."""
        if not self.counts_arithmetic:
            return inf
        key = next((name for name in names if name in self.part.facts), names[-1])
        self.used[key] = None
        return self.part.value(key)

    @once
    def half(self) -> float:
        """FLOP/s of 16-bit matrices."""
        return self._figure("flops_bf16", "flops_fp16", "flops_fp32")

    @once
    def shader(self) -> float:
        """FLOP/s in 32 bits."""
        return self._figure("flops_fp32", "flops_bf16", "flops_fp16")

    @once
    def vector(self) -> float:
        """FLOP/s of kernels of few rows."""
        if not self.counts_arithmetic:
            return inf
        return formulas.llama_cpp.vector_flops(vector_share=self.engine.vector_share, shader_flops=self.shader)

    @once
    def bandwidth(self) -> float:
        """B/s that reads of weights and caches reach."""
        self.used["memory_bandwidth"] = None
        return formulas.llama_cpp.weights_bandwidth(
            memory_share=self.engine.memory_share, memory_bandwidth=self.part.value("memory_bandwidth")
        )

    @once
    def prompt_flops(self) -> float:
        """FLOP/s of prompts' attention, which does not use Apple's matrix units."""
        if not self.counts_arithmetic:
            return inf
        peak = self.shader if self.engine.kernels == "metal" else self.half
        return formulas.llama_cpp.prompt_attention_rate(
            attention_share=self.engine.attention_share, attention_peak_flops=peak
        )

    def _peak(self, bits: float) -> tuple[float, float]:
        """Share and rate of products of many rows in a format: CUDA's quantized ones are in 8 bits."""
        engine, name = self.engine, self.model.quantization.name.lower()
        wide = bits > SIXTEEN
        if engine.kernels != "cuda":
            return engine.compute_share_16 if wide else engine.compute_share, self.half
        fast = ("flops_fp16_accumulate", "flops_bf16", "flops_fp16", "flops_fp32")
        if wide:
            return engine.compute_share_16, self._figure(*fast) if name in HALVES else self.half
        if engine.older_products != 1:  # cuBLAS, unpacked to 16 bits
            return engine.compute_share_16, self._figure(*fast)
        return engine.compute_share, self._figure("flops_int8", *fast)

    def rates(self, bits: float) -> Rates:
        """What products of many rows in a format reach."""
        engine, bandwidth = self.engine, self.bandwidth
        slow = bits > SIXTEEN and self.model.quantization.name.lower() not in HALVES
        if slow and engine.memory_scale_bf16 != 1:
            bandwidth = formulas.kernels.scaled_bandwidth(
                kernel_bandwidth=bandwidth, bandwidth_scale=engine.memory_scale_bf16
            )
        if not self.counts_arithmetic:
            return Rates(inf, bandwidth)
        share, peak = self._peak(bits)
        flops = formulas.llama_cpp.matrix_flops(compute_share=share, format_peak=peak)
        for scale in (engine.older_products, engine.compute_scale_bf16 if slow else 1.0):
            if scale != 1:
                flops = formulas.kernels.scaled_flops(kernel_flops=flops, compute_scale=scale)
        return Rates(flops, bandwidth)

    # sums over the layers
    @once
    def layers(self) -> Products:
        """Matrices that multiply for every token, all layers in one."""
        parts = [part for layer in self.model.layers for part in _matrices(self.model, layer)]
        times, params, each = zip(*parts, strict=True) if parts else ((), (), ())
        number = formulas.llama_cpp.layer_products(layers_of_kind=times, layer_matrices=params)
        read = formulas.llama_cpp.layer_reads(layers_of_kind=times, layer_matrices=params, bytes_per_param=each)
        return Products(number, read, self.rates(8 * read / number if number else 0))

    @once
    def head(self) -> Products:
        """The output head, or the table that serves as one."""
        model = self.model
        params, bits = model.head or model.embedding, model.quantization.of("head" if model.head else "embedding")
        read = formulas.llama_cpp.head_reads(head_params=params, head_bytes_per_param=bits / 8)
        return Products(params, read, self.rates(bits))

    @once
    def experts(self) -> tuple[Experts, ...]:
        """Routed experts by their shape."""
        bits, kinds = self.model.quantization.of("experts"), self.model.routed
        rates = self.rates(bits) if kinds else Rates(inf, inf)
        launch = self.engine.expert_launch if bits > SIXTEEN else 0.0
        return tuple(
            Experts(times, ffn.experts, ffn.active, ffn.expert, _expert_bytes(self.model, ffn), rates, launch)
            for ffn, times in kinds.items()
        )

    @once
    def sparse(self) -> int:
        """Layers with routed experts, those in a host too."""
        return sum(layer.times for layer in self.whole.layers if layer.ffn.experts)

    @once
    def far(self) -> "Timing | None":
        """The passes of what lies in a host, which reads and hands over, one layer after another."""
        if self.halves is None or not self.halves.far.layers:
            return None
        return Timing(self.halves.far, self.halves.host, host_backend(self.engine, self.halves.host), keeps=self.keeps)

    @once
    def elements(self) -> float:
        """Values that one token's elementwise work moves."""
        return formulas.llama_cpp.token_elements(
            layers_of_kind=counting.times(self.model),
            layer_elements=[_elements(self.model, layer.ffn) for layer in self.model.layers],
        )

    @once
    def states(self) -> float:
        """Elements of one sequence's states."""
        there = [one for one in self.sums.attended if one.attention.state]
        return formulas.llama_cpp.states_held(
            layers_of_kind=[one.layers for one in there], state_elements=[one.attention.state for one in there]
        )

    @once
    def caching(self) -> list[Attended]:
        """Layers that read a cache, by kind."""
        return [one for one in self.sums.attended if one.attention.cache + one.attention.borrowed]

    @once
    def launches(self) -> float:
        """Seconds to start the kernels of a pass."""
        engine = self.engine
        launched = formulas.llama_cpp.layers_launch_time(
            layer_launch=engine.layer_launch,
            layers=self.sums.depth,
            sparse_launches=engine.sparse_launches,
            sparse_layers=self.sparse,
        )
        if engine.older_launches == 1:
            return launched
        return formulas.llama_cpp.older_launch_time(layers_launch_time=launched, older_launches=engine.older_launches)

    def reading(self, context: float) -> tuple[float, float]:
        """Bytes of one sequence's cache that a step reads, and operations of its attention."""
        if (known := self._reads.get(context)) is None:
            known = self._reading(context)
            if self.keeps:
                self._reads[context] = known
        return known

    def _reading(self, context: float) -> tuple[float, float]:
        positions = formulas.llama_cpp.rounded_context(context=context, cell_tokens=CELL)
        layers = [one.layers for one in self.caching]
        cells = [self._cells(one.attention, positions) for one in self.caching]
        read = formulas.llama_cpp.cells_read(
            layers_of_kind=layers,
            cells_of_layer=cells,
            elements_of_layer=[one.attention.cache + one.attention.borrowed for one in self.caching],
            cache_element_bytes=self.model.kv_bits / 8,
        )
        flops = formulas.llama_cpp.cells_flops(
            attention_operations=OPERATIONS,
            layers_of_kind=layers,
            cells_of_layer=cells,
            heads_of_layer=[one.attention.heads for one in self.caching],
            query_widths=[_query_width(one.attention) for one in self.caching],
        )
        if self.engine.older_cache != 1:
            read = formulas.llama_cpp.older_cells_read(cells_read=read, older_cache=self.engine.older_cache)
        return read, flops

    def _cells(self, attention: Attention, positions: float) -> float:
        """Positions, or entries, of a layer that a step reads: Metal skips what a window masks."""
        if attention.compress > 1:
            return formulas.llama_cpp.compressed_cells(rounded_context=positions, compress=attention.compress)
        if not attention.window:
            return positions
        room: float = attention.window
        if self.engine.kernels != "metal":
            room = formulas.llama_cpp.window_cache(window=room, spare_tokens=self.engine.chunk_tokens, cell_tokens=CELL)
        return formulas.llama_cpp.window_cells(rounded_context=positions, window_cache=room)

    def prompting(self, tokens: float, cached: float) -> float:
        """Operations of a whole prompt's attention, windows counted, states and indexers not."""
        if (known := self._prompts.get((tokens, cached))) is None:
            known = formulas.step.prompt_attention_flops(
                layers_of_kind=[one.layers for one in self.caching],
                layer_prompt_flops=[
                    counting.prompt_flops(_whole(one.attention), tokens, cached) for one in self.caching
                ],
            )
            if self.keeps:
                self._prompts[tokens, cached] = known
        return known

    # a pass
    def pass_of(self, load: Load, _: float = 1.0) -> PassTimes:
        """One pass of a load; on several devices it takes as long, whatever their layers."""
        rows = load.tokens
        heads = load.heads
        if load.prompt_tokens:
            heads = formulas.llama_cpp.head_rows_of_pass(decoded=load.decoded, prompts=load.prompts)
        overlapping = [
            self._dense(products, number)
            for products, number in ((self.layers, rows), (self.head, heads))
            if products.params
        ]
        overlapping += [self._routed(each, rows) for each in self.experts]
        attention = self._attending(load)
        products = formulas.kernels.all_products_time(product_times=[time for _, _, time in overlapping])
        attending = formulas.kernels.all_attention_time(attention_times=[*attention[0], *attention[1]])
        elements = 0.0
        if self.counts_arithmetic:
            elements = formulas.llama_cpp.token_elements_time(
                rows=rows,
                element_bytes=ELEMENT,
                token_elements=self.elements,
                weights_bandwidth=self.layers.rates.bandwidth,
            )
        step = formulas.llama_cpp.operators_step(
            all_products_time=products,
            all_attention_time=attending,
            elements_time=elements,
            launches_time=self.launches,
        )
        spent = products, attending, elements, 0.0, self.launches
        here, far = PassTimes(step, overlapping, ([], []), attention, spent, 0.0, 1.0), self.far
        return here if far is None else _continued(here, far.pass_of(load))

    def _dense(self, products: Products, rows: float) -> tuple[float, float, float]:
        """Arithmetic and reads of the layers' matrices or of the head, and both as they overlap."""
        params, weights, rates = products
        read = formulas.llama_cpp.reads_time(weights_read=weights, weights_bandwidth=rates.bandwidth)
        if not self.counts_arithmetic:
            return 0.0, read, read
        worked = formulas.llama_cpp.tile_time(
            flops_per_param=FLOPS_PER_PARAM,
            dense_matrices=params,
            rows=rows,
            matrix_rows=self.engine.matrix_rows,
            matrix_flops=rates.flops,
        )
        few = rows <= self.engine.vector_rows
        if few is not False:
            alone = formulas.llama_cpp.vector_time(
                flops_per_param=FLOPS_PER_PARAM, dense_matrices=params, rows=rows, vector_flops=self.vector
            )
            least = formulas.llama_cpp.few_rows_time(vector_time=alone, tile_time=worked)
            worked = where(few, least, worked)
        return worked, read, formulas.llama_cpp.overlapped_time(arithmetic_time=worked, reads_time=read)

    def _routed(self, each: Experts, tokens: float) -> tuple[float, float, float]:
        """Arithmetic and reads of routed experts, and both as they overlap."""
        if not self.counts_arithmetic:  # a CPU groups tokens by experts too
            read = self._grouped(each, tokens)[1]
            return 0.0, read, read
        few = tokens <= self.engine.expert_rows
        if few is True:
            worked, read = self._alone(each, tokens)
        elif few is False:
            worked, read = self._grouped(each, tokens)
        else:
            ways = zip(self._alone(each, tokens), self._grouped(each, tokens), strict=True)
            worked, read = (where(few, *pair) for pair in ways)
        return worked, read, formulas.llama_cpp.overlapped_time(arithmetic_time=worked, reads_time=read)

    def _alone(self, each: Experts, tokens: float) -> tuple[float, float]:
        """Arithmetic and reads where each token reads its own experts."""
        worked = formulas.llama_cpp.own_experts_time(
            flops_per_param=FLOPS_PER_PARAM,
            sparse_layers=each.layers,
            tokens=tokens,
            active_experts=each.active,
            expert_matrices=each.params,
            vector_flops=self.vector,
        )
        read = formulas.llama_cpp.own_experts_read(
            sparse_layers=each.layers, tokens=tokens, active_experts=each.active, expert_weights=each.weights
        )
        return worked, formulas.llama_cpp.reads_time(weights_read=read, weights_bandwidth=each.rates.bandwidth)

    def _grouped(self, each: Experts, tokens: float) -> tuple[float, float]:
        """Arithmetic and reads where tokens are sorted by experts."""
        hit = formulas.layer.experts_hit(experts=each.experts, active_experts=each.active, tokens=tokens)
        read = formulas.llama_cpp.grouped_experts_read(
            sparse_layers=each.layers, experts_hit=hit, expert_weights=each.weights
        )
        moved = formulas.llama_cpp.reads_time(weights_read=read, weights_bandwidth=each.rates.bandwidth)
        if not self.counts_arithmetic:
            return 0.0, moved
        rows = formulas.llama_cpp.grouped_rows(
            tokens=tokens, active_experts=each.active, experts_hit=hit, expert_tile=self.engine.expert_tile
        )
        worked = formulas.llama_cpp.grouped_experts_time(
            flops_per_param=FLOPS_PER_PARAM,
            sparse_layers=each.layers,
            grouped_rows=rows,
            expert_matrices=each.params,
            matrix_flops=each.rates.flops,
        )
        if each.launch:
            worked = formulas.llama_cpp.single_experts_time(
                grouped_experts_time=worked,
                sparse_layers=each.layers,
                gated_matrices=GATED,
                experts_hit=hit,
                expert_launch=each.launch,
            )
        return worked, moved

    def _attending(self, load: Load) -> tuple[list[float], list[float]]:
        """Arithmetic and reads of attention: of decoding sequences and of prompts."""
        flops: list[float] = []
        moved: list[float] = []
        if not is_nothing(load.sequences):
            self._decoding(load, flops, moved)
        if load.prompt_tokens and self.caching and self.counts_arithmetic:
            whole = load.whole_prompt or load.prompt_tokens / max(load.prompts, 1)
            flops.append(
                formulas.llama_cpp.prompts_attention_time(
                    prompt_tokens=load.prompt_tokens,
                    tokens_of_prompt=whole,
                    prompt_attention_flops=self.prompting(whole, load.cached),
                    prompt_attention_rate=self.prompt_flops,
                )
            )
        return flops, moved

    def _decoding(self, load: Load, flops: list[float], moved: list[float]) -> None:
        """Reads and arithmetic of decoding sequences' caches, reads and writes of their states."""
        if self.caching:
            read, operations = self.reading(load.context)
            moved.append(
                formulas.llama_cpp.cells_read_time(
                    sequences=load.sequences, cells_read=read, weights_bandwidth=self.bandwidth
                )
            )
            if self.counts_arithmetic:
                worked = formulas.llama_cpp.cells_flops_time
                flops.append(worked(decoded=load.decoded, cells_flops=operations, vector_flops=self.vector))
        if self.states:
            moved.append(
                formulas.llama_cpp.states_time(
                    sequences=load.sequences,
                    state_traffic=STATE,
                    states_held=self.states,
                    weights_bandwidth=self.bandwidth,
                )
            )


def _continued(here: PassTimes, there: PassTimes) -> PassTimes:
    """A pass that continues in a host: the two work in turn."""
    step = formulas.memory.host_step(step_time=here.step, far_time=there.step)
    return here._replace(step=step, far=there.step)


def _matrices(model: Model, layer: Layer) -> list[tuple[int, float, float]]:
    """How often, how many parameters and in how many bytes each: matrices of a layer that multiply for every token."""
    attention, ffn, bits = layer.attention, layer.ffn, model.quantization.of
    parts = (
        (attention.split, bits("attention") / 8),
        (attention.copied, bits("attention") / 8),
        (ffn.dense, bits("ffn") / 8),
        (ffn.reused, bits("ffn") / 8),
        (ffn.shared, bits("shared") / 8),
        (ffn.router, ROUTER),
    )
    return [(layer.times, params, each) for params, each in parts if params]


def _expert_bytes(model: Model, ffn: Ffn) -> float:
    """Bytes of the matrices of one expert."""
    return expert_bytes(model, ffn._replace(expert_small=0))


def _elements(model: Model, ffn: Ffn) -> float:
    """Values that one token's elementwise work in a layer moves, all feed-forward parts counted as gated."""
    width, expert, of = model.hidden_size, 0.0, formulas.llama_cpp.dense_width
    if ffn.expert:
        inner = formulas.kernels.inner_width
        expert = inner(part_matrices=ffn.expert, gated_matrices=GATED, input_width=width)
    dense = of(dense_params=ffn.dense, shared_params=ffn.shared, gated_matrices=GATED, hidden_size=width)
    return formulas.llama_cpp.layer_elements(
        hidden_size=width, ffn_width=dense, active_experts=ffn.active, expert_width=expert
    )


def _query_width(attention: Attention) -> int:
    """Elements of a query that meet the cache: over latents it is as wide as one."""
    return attention.cache if attention.latent else attention.head_dim


def _whole(attention: Attention) -> Attention:
    """A layer's attention as llama.cpp computes it in a prompt: without states, indexers and what these choose."""
    return attention._replace(state=0, index_flops=0, attended=0)
