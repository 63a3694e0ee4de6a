"""The pass of engines of today: each kind of kernel as it takes its time on a chip, and what an engine adds."""

from typing import NamedTuple

from infercost import formulas
from infercost.errors import Missing
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.models.model import Model
from infercost.numeric import is_nothing
from infercost.parts.preset import Preset
from infercost.parts.stack import is_small
from infercost.quantities import CONSTANTS
from infercost.replica.chip import Chip, Engine, Kernel, Links, peak_of
from infercost.replica.layout import Layout
from infercost.replica.sums import Products, Routed, Sums, once
from infercost.replica.work import Load, Over, PassTimes

#: What moves besides weights and caches, in bytes: a 16-bit value, a routed row and token beside its inputs, a value
#: of a state read and written, and one of a prompt's attention.
WIDE, ROW, TOKEN, STATE, PROMPT = (
    CONSTANTS[name].value for name in ("wide_bytes", "wide_rows", "token_bytes", "state_traffic", "prompt_traffic")
)
#: Bits of a cache whose kernels are those of 8 bits.
EIGHT = 8


class Rows(NamedTuple):
    """Tokens of a pass: of all, of the busiest data parallel group, that need its head, and of its prompts."""

    tokens: float
    group: float
    heads: float
    sequences: float
    decoded: float
    prompt_tokens: float
    prompts: float


def rows_of(load: Load, groups: int) -> Rows:
    """Who works on how many tokens of a pass."""
    tokens, prompts = load.tokens, load.prompts
    if groups == 1:
        return Rows(tokens, tokens, load.heads, load.sequences, load.decoded, load.prompt_tokens, prompts)
    shares = formulas.kernels.prompt_groups(groups=groups, prompts=prompts)
    busiest, share = formulas.kernels.busiest_tokens, formulas.kernels.group_share
    return Rows(
        tokens=tokens,
        group=busiest(decoded=load.decoded, groups=groups, prompt_tokens=load.prompt_tokens, prompt_groups=shares),
        heads=busiest(decoded=load.decoded, groups=groups, prompt_tokens=prompts, prompt_groups=shares),
        sequences=share(of_all_groups=load.sequences, groups=groups),
        decoded=share(of_all_groups=load.decoded, groups=groups),
        prompt_tokens=share(of_all_groups=load.prompt_tokens, groups=shares),
        prompts=share(of_all_groups=prompts, groups=shares),
    )


class Used(NamedTuple):
    """Kernels that a pass uses: of products, of those whose inputs are quantized, of experts with bytes of a row.

    ``inner_time`` are the seconds of all products for their inner dimensions.
    """

    products: list[tuple[Products, Kernel]]
    quantized: list[tuple[Products, Kernel]]
    experts: list[tuple[Routed, Kernel, float]]
    inner_time: float


class Timing:
    """The passes of a model under a layout, on a chip under an engine; ``keeps`` is false for what ``--steps`` shows.

    Each figure is worked out where a pass first needs it: in this order steps are printed.
    """

    def __init__(
        self,
        model: Model,
        layout: Layout,
        chip: Chip,
        engine: Engine,
        *,
        keeps: bool = True,
        over: Over | None = None,
    ) -> None:
        self.sums, self.engine, self.keeps, self.over = Sums(model, layout, keeps=keeps), engine, keeps, over
        self.chip = chip.scaled(engine.compute_scale, engine.bandwidth_scale)
        self._launched: dict[tuple[bool, bool], float] = {}

    def on(self, model: Model, layout: Layout) -> "Timing":
        """The same of another model or layout."""
        return Timing(model, layout, self.chip, self.engine, keeps=self.keeps)

    def again(self) -> "Timing":
        """The same, worked out anew from its model up whenever it is asked: what ``--steps`` shows of it."""
        return Timing(self.sums.model, self.sums.layout, self.chip.again(), self.engine, keeps=False, over=self.over)

    def tuned(self) -> "Timing | None":
        """The same with an engine's flags for speed; None where that changes nothing."""
        return None if self.unfused == 1 else self._under(self.engine._replace(unfused_launch_scale=1.0))

    def with_tuned_shapes(self) -> "Timing | None":
        """The same of a build with tables of tuned shapes; None where that changes nothing."""
        return (
            self._under(self.engine._replace(untuned_factor=1.0, untuned_decode_factor=1.0)) if self.untuned else None
        )

    def _under(self, engine: Engine) -> "Timing":
        return Timing(self.sums.model, self.sums.layout, self.chip, engine, over=self.over)

    @once
    def untuned(self) -> str:
        """The format of the model's products that lacks tuned shapes in this engine, empty without one."""
        engine, sums, format = self.engine, self.sums, self.chip.architecture.labels.get("untuned", "")
        if engine.untuned_factor == engine.untuned_decode_factor == 1:
            return ""
        formats = [*(each.format for each in sums.products), *(each.format for each in sums.routed)]
        return format if format in formats else ""

    def settle(self, *, wide: bool = False) -> "Timing":
        """The same once it has used all figures of its chip, and where layouts may be ``wide`` those of its links."""
        for load in (Load(1, 1), Load(prompt_tokens=1, prompts=1)):
            self.pass_of(load)
        facts = self.chip.part.facts
        if wide and "link_bandwidth" in facts:
            for ranks in (2, 2 * int(facts["link_domain"].value) if "link_domain" in facts else 2):
                Links(self.chip, self.engine, Layout(ranks)).reduce(1)
        return self

    @once
    def groups(self) -> int:
        """Data parallel groups."""
        return self.sums.layout.dp

    @once
    def stages(self) -> int:
        """Pipeline stages."""
        return self.sums.layout.pp

    @once
    def products(self) -> list[tuple[Products, Kernel]]:
        """Dense products by format, and their kernels."""
        return [
            (each, self.chip.kernel("products", each.format, self.engine.products_kernel))
            for each in self.sums.products
        ]

    @once
    def decoding(self) -> Used:
        """The kernels of products in a pass without prompts."""
        return self._used(self.engine.untuned_decode_factor, 0)

    @once
    def mixed(self) -> Used:
        """The kernels of products in a pass with prompts, whose routed rows travel through memory more often."""
        engine = self.engine
        return self._used(max(engine.untuned_factor, engine.untuned_decode_factor), engine.row_traffic)

    def _used(self, factor: float, traffic: float) -> Used:
        products = [(each, self._built(kernel, each.format, factor)) for each, kernel in self.products]
        inner = [(kernel.inner, each.inputs) for each, kernel in products if kernel.inner]
        return Used(
            products=products,
            quantized=[(each, kernel) for each, kernel in products if kernel.quantize_bytes],
            experts=[
                (each, self._built(kernel, each.format, factor), self._row_bytes(each, kernel, traffic))
                for each, kernel in self.experts
            ],
            inner_time=formulas.kernels.inner_time(
                inner_times=[time for time, _ in inner], product_inputs=[inputs for _, inputs in inner]
            )
            if inner
            else 0.0,
        )

    def _built(self, kernel: Kernel, format: str, factor: float) -> Kernel:
        """A kernel in a build whose shapes of a format are not tuned, so many times as slow; its launch is the same."""
        if factor == 1 or format != self.untuned:
            return kernel
        slow = {"untuned_factor": factor}
        return kernel._replace(
            flops=formulas.kernels.untuned_flops(kernel_flops=kernel.flops, **slow),
            bandwidth=formulas.kernels.untuned_bandwidth(kernel_bandwidth=kernel.bandwidth, **slow),
            inner=formulas.kernels.untuned_inner(inner=kernel.inner, **slow) if kernel.inner else 0.0,
        )

    @once
    def head(self) -> tuple[Products, Kernel]:
        """The output head, and its kernel."""
        head = self.sums.head
        return head, self.chip.kernel("products", head.format)

    @once
    def experts(self) -> list[tuple[Routed, Kernel]]:
        """Routed experts, and their kernels."""
        engine = self.engine
        fused = self.unfused == 1 or self.sums.latent or (self.is_listed and engine.fused_ranks > 0)
        chosen = engine.experts_kernel or ("" if fused else engine.unfused_experts)
        return [(each, self.chip.kernel("experts", each.format, chosen)) for each in self.sums.routed]

    def _row_bytes(self, each: Routed, kernel: Kernel, traffic: float) -> float:
        return formulas.kernels.expert_row_bytes(
            expert_input=each.input,
            row_bytes=kernel.row_bytes,
            wide_rows=ROW,
            row_traffic=traffic,
            expert_width=each.width,
            matrices_of_expert=each.matrices,
        )

    @once
    def decode(self) -> Kernel:
        """Kernels of decoding attention."""
        if self.sums.latent:
            return self.chip.attention("latent")
        return self.chip.attention("decode_8" if self.sums.model.kv_bits <= EIGHT else "decode_16")

    @once
    def prompt(self) -> Kernel:
        """Kernels of prompts' attention."""
        return self.chip.attention("prompt")

    @once
    def states(self) -> Kernel:
        """Kernels of linear attention."""
        return self.chip.states()

    @once
    def elements(self) -> float:
        """B/s of elementwise work."""
        return self.chip.reach(self.chip.value("layers_elements_memory"))

    @once
    def links(self) -> Links | None:
        """Collectives; None on one device."""
        layout = self.sums.layout
        return Links(self.chip, self.engine, layout, self.sums.routed) if layout.devices > 1 else None

    @once
    def reduces(self) -> float:
        """All-reduces of a pass."""
        if self.sums.layout.tp == 1:
            return 0
        return formulas.step.collectives(layers=self.sums.depth, exchanging_layers=self.sums.exchanging)

    @once
    def exchanges(self) -> float:
        """Phases of all-to-alls of a pass."""
        layers = self.sums.exchanging
        return formulas.step.exchanges(exchanging_layers=layers) if layers else 0

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of the peak and of the bandwidth that the largest dense products reach, the head's without others."""
        largest, kernel = max(self.products, key=lambda one: one[0].params, default=self.head)
        row = self.chip.multiplied(self.chip.row("products", largest.format))
        peak = peak_of(self.chip.part, row) or kernel.flops
        reach = formulas.kernels.kernel_reach(kernel_flops=kernel.flops, format_peak=peak)
        return reach, kernel.bandwidth / self.chip.bandwidth

    @property
    def held_by_watts(self) -> float | None:
        """FLOP/s at which the part's watts hold the largest dense products back, None where they do not."""
        largest, _ = max(self.products, key=lambda one: one[0].params, default=self.head)
        return self.chip.held_by_watts(largest.format)

    def pass_of(self, load: Load, uneven: float = 1.0) -> PassTimes:
        """One pass of a load, ``uneven`` times as long as on even stages."""
        rows, engine = rows_of(load, self.groups), self.engine
        used = self.mixed if rows.prompt_tokens else self.decoding
        overlapping = [*[_dense(*each, rows.group) for each in used.products], _dense(*self.head, rows.heads)]
        added = self._adding(rows, used)
        products = formulas.kernels.all_products_time(
            product_times=[*[time for _, _, time in overlapping], *added[0], *added[1]]
        )
        attention, far = self._attending(rows, load), self._far(load, uneven)
        spent: tuple[float, ...] = (
            products,
            formulas.kernels.all_attention_time(attention_times=[*attention[0], *attention[1]]),
            self._between(rows.group),
            self.communication_time(rows) if self.links else 0.0,
            self._launches(load),
        )
        if self.stages > 1:
            spent = tuple(formulas.request.uneven_part(even_part=each, uneven_stages=uneven) for each in spent)
        busy = formulas.kernels.kernels_time(
            all_products_time=spent[0],
            all_attention_time=spent[1],
            elements_time=spent[2],
            communication_time=_sent(spent[3], far),
            launches_time=spent[4],
        )
        wait = self._wait(busy, rows.group, spent[4]) if rows.prompt_tokens else 0.0
        host = formulas.kernels.host_time(
            step_overhead=engine.step_overhead, sequence_overhead=engine.sequence_overhead, head_rows=rows.heads
        )
        step = formulas.kernels.kernels_step(kernels_time=busy, processor_wait=wait, host_time=host)
        return PassTimes(step, overlapping, added, attention, spent, wait + host, uneven, far)

    def _far(self, load: Load, uneven: float) -> float:
        """Seconds in which a host sends what lies in it."""
        if self.over is None:
            return 0.0
        far = self.over.time(load)
        return formulas.request.uneven_part(even_part=far, uneven_stages=uneven) if self.stages > 1 else far

    def with_host(self, over: Over) -> "Timing":
        """The same with what comes over the link from a host in every pass."""
        return Timing(self.sums.model, self.sums.layout, self.chip, self.engine, keeps=self.keeps, over=over)

    def _adding(self, rows: Rows, used: Used) -> tuple[list[float], list[float]]:
        """Arithmetic and traffic that add up: of inputs that are quantized, but the head's, and of routed experts."""
        flops: list[float] = []
        moved = [
            formulas.kernels.quantize_time(
                quantize_bytes=kernel.quantize_bytes,
                group_rows=rows.group,
                product_inputs=each.inputs,
                kernel_bandwidth=kernel.bandwidth,
            )
            for each, kernel in used.quantized
        ]
        if used.inner_time:
            moved.append(used.inner_time)
        for each, kernel, moved_by_row in used.experts:
            worked, traffic = self._routed(each, kernel, rows.tokens, moved_by_row)
            flops.append(worked)
            moved.append(traffic)
        return flops, moved

    def _routed(self, each: Routed, kernel: Kernel, tokens: float, row_bytes: float) -> tuple[float, float]:
        """Arithmetic and traffic of the routed experts of all layers alike."""
        ranks, active, hottest = self.sums.layout.ep, each.active, 1.0
        if ranks > 1:
            hottest = formulas.kernels.hottest_expert_rank(expert_ranks=ranks, tokens=tokens, active_experts=active)
        routed = formulas.kernels.expert_rows(
            tokens=tokens, active_experts=active, expert_ranks=ranks, hottest_expert_rank=hottest
        )
        hit = formulas.layer.experts_hit(experts=each.experts, active_experts=active, tokens=tokens)
        read = formulas.kernels.experts_read(
            experts_hit=hit, active_experts=active, experts=each.experts, expert_ranks=ranks
        )
        flops = formulas.kernels.expert_flops_time(
            flops_per_param=FLOPS_PER_PARAM,
            sparse_layers=each.layers,
            expert_rows=routed,
            rank_expert_params=each.params,
            kernel_flops=kernel.flops,
        )
        moved = formulas.kernels.expert_bytes_time(
            sparse_layers=each.layers,
            rank_expert_weights=each.weights,
            experts_read=read,
            expert_rows=routed,
            expert_row_bytes=row_bytes,
            token_bytes=TOKEN,
            tokens=tokens,
            expert_input=each.input,
            kernel_bandwidth=kernel.bandwidth,
        )
        return flops, moved

    def _attending(self, rows: Rows, load: Load) -> tuple[list[float], list[float]]:
        """Arithmetic and traffic of attention: of decoding sequences and of prompts."""
        flops: list[float] = []
        moved: list[float] = []
        if self.sums.attended:
            if not is_nothing(load.sequences):
                self._decoding(rows, load, flops, moved)
            if load.prompt_tokens:
                self._prompting(rows, load, flops, moved)
        return flops, moved

    def _decoding(self, rows: Rows, load: Load, flops: list[float], moved: list[float]) -> None:
        """Attention of decoding sequences: over latents or KV heads, and reads and writes of states."""
        sums = self.sums
        read, operations = sums.decoding(load.context)
        if sums.latent:
            moved.append(self._reading(rows.sequences, read))
            worked = formulas.kernels.latent_flops_time
            flops.append(
                worked(group_sequences=rows.decoded, rank_attention_flops=operations, kernel_flops=self.decode.flops)
            )
        elif read:
            moved.append(
                formulas.kernels.decode_attention_time(
                    group_sequences=rows.sequences,
                    rank_sequence_read=read,
                    kernel_bandwidth=self.decode.bandwidth,
                    head_time=self.chip.head_time,
                    rank_kv_heads=sums.kv_heads,
                    multiprocessors=self.chip.multiprocessors,
                )
            )
        if sums.states:
            moved.append(
                formulas.kernels.state_time(
                    group_sequences=rows.sequences,
                    state_traffic=STATE,
                    rank_state_elements=sums.states,
                    kernel_bandwidth=self.states.bandwidth,
                )
            )

    def _reading(self, sequences: float, read: float) -> float:
        """Seconds to read latents, or caches that lie before prompts."""
        return formulas.kernels.latent_reads_time(
            group_sequences=sequences, rank_sequence_read=read, kernel_bandwidth=self.decode.bandwidth
        )

    def _prompting(self, rows: Rows, load: Load, flops: list[float], moved: list[float]) -> None:
        """Attention of prompts: reads of what is cached, scores and values, what they move, and states."""
        if load.cached and self.sums.caching:
            moved.append(self._reading(rows.prompts, self.sums.decoding(load.cached)[0]))
        whole = load.whole_prompt or load.prompt_tokens / max(load.prompts, 1)
        scores, states = self.sums.prompting(whole, load.cached)
        flops.append(self._of_prompts(rows, whole, scores, self.prompt.flops))
        moved.append(
            formulas.kernels.prompt_bytes_time(
                group_prompt_tokens=rows.prompt_tokens,
                prompt_traffic=PROMPT,
                prompt_elements=self.sums.prompt_elements,
                kernel_bandwidth=self.prompt.bandwidth,
            )
        )
        if states:
            flops.append(self._of_prompts(rows, whole, states, self.states.flops))

    def _of_prompts(self, rows: Rows, whole: float, flops: float, rate: float) -> float:
        return formulas.kernels.prompt_flops_time(
            group_prompt_tokens=rows.prompt_tokens, tokens_of_prompt=whole, rank_prompt_flops=flops, kernel_flops=rate
        )

    def _between(self, rows: float) -> float:
        """Elementwise work between the products of a pass."""
        between = formulas.kernels.elements_time(
            group_rows=rows,
            rank_activations=self.sums.activations,
            kernel_bandwidth=self.elements,
            wide_bytes=WIDE,
            norms_of_layers=self.sums.norms,
            memory_bandwidth=self.chip.bandwidth,
        )
        if not self.sums.streamed:
            return between
        return formulas.kernels.streamed_elements_time(
            elements_time=between,
            group_rows=rows,
            stream_traffic=self.sums.streams,
            kernel_bandwidth=self.chip.reach(self.chip.value("layers_streams_memory")),
        )

    def _launches(self, load: Load) -> float:
        """Seconds to start and drain all kernels of a pass, the same of all that decode, prompt, or do both."""
        kinds = not is_nothing(load.sequences), bool(load.prompt_tokens)
        if (known := self._launched.get(kinds)) is None:
            known = self._launching(*kinds)
            if self.keeps:
                self._launched[kinds] = known
        return known

    def _launching(self, decodes: bool, prompts: bool) -> float:
        chip, sums = self.chip, self.sums
        starts = [(each.number, kernel.launch) for each, kernel in (*self.products, self.head)]
        starts += [(each.layers, kernel.launch) for each, kernel in self.experts]
        starts.append((sums.depth, chip.value("layers_elements_launch")))
        if sums.streamed:
            starts.append((sums.streamed, chip.value("layers_streams_launch")))
        if decodes:
            starts += [(sums.caching, self.decode.launch), (sums.stateful, chip.value("layers_states_launch"))]
            starts.append((sums.indexed, chip.value("layers_indexers_launch")))
        if prompts:
            starts += [(sums.caching, self.prompt.launch), (sums.stateful, chip.value("layers_states_prompt_launch"))]
            starts.append((sums.indexed, chip.value("layers_indexers_prompt_launch")))
        counts, times = zip(*(start for start in starts if start[0]), strict=True)
        scale = self.engine.launch_scale
        if self.unfused != 1:
            scale = formulas.kernels.unfused_scale(launch_scale=scale, unfused_launch_scale=self.unfused)
        return formulas.kernels.launches_time(launch_scale=scale, launches=counts, launch_times=times)

    @once
    def is_listed(self) -> bool:
        """Whether the model's family is one that the engine fuses by itself."""
        return self.sums.model.family.removesuffix("_text") in self.engine.fused_families

    @once
    def unfused(self) -> float:
        """Factor on launches of an engine that does not fuse its kernels; 1 where it does by itself."""
        engine, sums = self.engine, self.sums
        if self.chip.architecture.name == engine.fused_on:
            listed = self.is_listed and 0 < engine.fused_ranks <= sums.layout.tp
            if listed or (sums.latent and not sums.indexed):
                return 1.0
        return engine.unfused_launch_scale

    @once
    def captured(self) -> float:
        """Tokens of the largest pass with prompts that a graph holds."""
        engine = self.engine
        if not engine.captures_split and (self.groups > 1 or self.stages > 1):
            return 0.0
        return (
            min(engine.captured_tokens, engine.captured_tokens_latent) if self.sums.latent else engine.captured_tokens
        )

    def _wait(self, busy: float, tokens: float, launches: float) -> float:
        """Seconds that kernels wait for the host, which launches them where no graph holds so many tokens."""
        eager, engine = tokens > self.captured, self.engine
        if eager is False:
            return 0.0
        if engine.cpu_launches:
            launching = formulas.kernels.processor_launches(cpu_launches=engine.cpu_launches, launches_time=launches)
        else:
            launching = formulas.kernels.processor_time(
                eager_layer_time=engine.eager_layer_time, layers=self.sums.model.depth
            )
        wait = formulas.kernels.processor_wait(processor_time=launching, kernels_time=busy)
        return wait if eager is True else wait * eager

    def communication_time(self, rows: Rows) -> float:
        """Seconds of all collectives of a pass."""
        links, reduces, exchanges = self.links, self.reduces, self.exchanges
        assert links is not None
        message = formulas.step.activation_message(
            batch=rows.group, hidden_size=self.sums.model.hidden_size, activation_bytes=WIDE
        )
        sent = formulas.step.communication_time(
            collectives=reduces,
            all_reduce_time=links.reduce(message) if reduces else 0.0,
            exchanges=exchanges,
            all_to_all_time=links.exchange(rows.group, rows.prompt_tokens > 0) if exchanges else 0.0,
            hand_over_time=links.hand_over(message) if self.stages > 1 else 0.0,
        )
        if not reduces or not self.sums.normed:
            return sent
        return formulas.step.normed_communication_time(
            communication_time=sent,
            normed_layers=self.sums.normed,
            reduce_start=links.start,
            rank_time=links.hop,
            ranks=self.sums.layout.tp,
        )


def engine_of(part: Preset, profile: Preset) -> Engine:
    """An engine by its profile: vLLM takes fewer tokens a pass on a part of little memory, and on A100."""
    figures = {name: profile.value(name) for name in Engine._fields if name in profile.facts}
    if is_small(part, profile) and "chunk_tokens_small" in profile.facts:
        figures["chunk_tokens"] = profile.value("chunk_tokens_small")
    labels = profile.labels
    if "captures_on" in labels and part.labels.get("vendor", labels["captures_on"]) != labels["captures_on"]:
        figures["captured_tokens"] = 0.0
    numbers = (name for name in Engine._fields if name not in Engine._field_defaults and name != "prompts")
    if lacking := [name for name in numbers if name not in figures]:
        what = f"profile {profile.name} has no {', no '.join(lacking)}"
        raise Missing(what, "a profile of the law kernels has them, or a line like: vllm that takes them over")
    experts, products = (labels.get(f"{name}_kernel", "") for name in ("experts", "products"))
    return Engine(
        **figures,
        prompts=labels["prompts"],
        experts_kernel=experts,
        products_kernel=products,
        captures_split=labels.get("captures_split") != "no",
        fused_families=tuple(labels.get("fused_families", "").split(", ")),
        fused_on=labels.get("fused_on", ""),
        unfused_experts=labels.get("unfused_experts", ""),
    )


def _sent(between: float, far: float) -> float:
    """Seconds of collectives, and of what a host sends in every pass."""
    return between if is_nothing(far) else formulas.memory.sent_time(collectives_time=between, link_time=far)


def _dense(products: Products, kernel: Kernel, rows: float) -> tuple[float, float, float]:
    """Arithmetic and traffic of dense products in one format, and both as they overlap."""
    flops = formulas.kernels.product_flops_time(
        flops_per_param=FLOPS_PER_PARAM, group_rows=rows, product_params=products.params, kernel_flops=kernel.flops
    )
    moved = formulas.kernels.product_bytes_time(
        product_weights=products.weights,
        group_rows=rows,
        row_bytes=kernel.row_bytes,
        product_inputs=products.inputs,
        wide_bytes=WIDE,
        product_outputs=products.outputs,
        kernel_bandwidth=kernel.bandwidth,
    )
    return flops, moved, formulas.kernels.products_time(product_flops_time=flops, product_bytes_time=moved)
