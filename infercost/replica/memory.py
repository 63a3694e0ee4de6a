"""What one accelerator holds when a model serves from it: weights, activations, the engine, a pool for KV cache."""

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.formulas.formula import solved
from infercost.models import counting
from infercost.models.model import HeadShape, Model, arithmetic_format, bare_count, head_of, prediction_head
from infercost.parts.accelerator import COMPUTERS, called, over_pcie
from infercost.parts.bands import not_covered, unmeasured
from infercost.parts.formats import Format
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import TIERS, is_small, part_under, reads_gguf, release_of, share_of, splits_layers
from infercost.replica.layout import (
    FREE,
    Layout,
    check,
    rank_cache_bytes,
    rank_growth_bytes,
    rank_layer_cache,
    rank_weight_bytes,
    valid_widths,
)
from infercost.replica.work import USABLE, Host, Offload, Split, held_memory, split

if TYPE_CHECKING:
    from infercost.models.find import Checkpoint


#: Below this share of the device's memory a fit is called barely one, unless it has room for as many sequences again.
BARELY = 0.05
#: The share of the memory that serving engines plan with by default.
ENGINE_SHARE = 0.9
LONGEST = 2**40


#: Tokens by which vLLM's pages grow until they hold a state, and the share of the blocks counted here that its later
#: releases had left: 556 and 1,011 where 0.19's reserves leave 721 and 1,415 (vllm-project/recipes issue 831).
PAGE_STEP, SURE_SHARE = 16, 0.7


#: What an engine's caches of windowed layers hold: a window, all positions as in other layers, or nobody knows.
KEPT, WHOLE, UNKNOWN = "kept", "whole", "unknown"


#: SGLang's rule: sequences of a decode graph above which data parallel attention pads more, ranks of a layer from which
#: on graphs are larger, fewest tokens of a pass that count, and memory above which what is left to them has a floor.
MANY_GRAPHS, MANY_RANKS, FEW_TOKENS, MUCH_MEMORY = 300, 4, 2048, 60 * 2**30


class Rule(NamedTuple):
    """What an engine works out its share of a part's memory with: memory that the driver reports, tokens of a pass.

    ``graphs`` are sequences of the largest decode graph, and those where many ranks share a layer; ``prompts`` are
    sizes of prompts that it captures, 0 on parts where it captures none.
    """

    memory: float
    tokens: float
    graphs: tuple[float, float]
    prompts: float


class Start(NamedTuple):
    """What an engine profiles its memory with on a part: sequences and prompt tokens, each beside its usual number.

    ``asked`` are the sequences that were asked for, ``asked_tokens`` the prompt tokens, 0 for the engine's own;
    ``over_pcie`` is whether the parts reach each other without a link of their own; ``windows`` is what caches of
    windowed layers hold; ``rule`` is what the engine works out its share of memory with, None where it is given;
    ``tables_in_host`` is whether tables that are only looked up stay in the host's memory. Without sequences the
    reserves are those of the profile.
    """

    sequences: float = 0
    usual_sequences: float = 0
    tokens: float = 0
    usual_tokens: float = 0
    asked: int = 0
    over_pcie: bool = False
    windows: str = KEPT
    rule: Rule | None = None
    tables_in_host: bool = False
    asked_tokens: int = 0


#: The reserves of a profile as it has them.
AS_USUAL = Start()


class Blocks(NamedTuple):
    """Blocks for the states of a recurrent model: how many there are, and how many one sequence takes at least."""

    total: int
    of_sequence: int

    @property
    def sequences(self) -> int:
        """Sequences that can surely run at once, however short."""
        return min(self.total // self.of_sequence, int(self.total * SURE_SHARE))

    def are_few(self, sequences: float) -> bool:
        """Whether an engine that wants a block for each of so many sequences may refuse to start."""
        return self.total * SURE_SHARE < sequences


class DraftMemory(NamedTuple):
    """A draft on the fullest accelerator: what is stored of it, how ranks share it, tokens that it proposes.

    ``params`` are those that one of its tokens uses.
    """

    model: Model
    layout: Layout
    tokens: int
    params: float

    @property
    def weights(self) -> float:
        """Bytes of its weights."""
        return rank_weight_bytes(self.model, self.layout)

    def cache(self, context: float) -> float:
        """Bytes of its cache of one sequence."""
        return rank_cache_bytes(self.model, self.layout, context)

    @property
    def growth(self) -> float:
        """Bytes that each further token takes."""
        return rank_growth_bytes(self.model, self.layout)


class Plan(NamedTuple):
    """Bytes on the fullest accelerator of a layout; ``split`` is what of it lies in the ``host``, None without one.

    ``shared`` are the tokens that all sequences begin with and that a data parallel group stores once.
    """

    model: Model
    layout: Layout
    device_memory: float
    usable: float
    weights: float
    activations: float
    engine: float
    pool: float
    context: float
    batch: int
    host: Host | None = None
    split: Split | None = None
    start: Start = AS_USUAL
    unreserved: bool = False
    draft: DraftMemory | None = None
    share_of: str = "memory"
    shared: int = 0

    @property
    def outside(self) -> float:
        """Bytes that are not planned with: beyond the share of the memory, of what is free, or of what is left."""
        of = {"memory": 0.0, "start": self.engine, "rest": self.engine + self.weights + self.activations}
        return (self.device_memory - of[self.share_of]) * (1 - self.usable)

    @property
    def blocks(self) -> Blocks | None:
        """Blocks for states in vLLM's pool; None for a model without recurrent layers."""
        if not self.near.is_recurrent or self.pool <= 0:
            return None
        return _state_blocks(self.near, self.layout, self.pool)

    @property
    def near(self) -> Model:
        """What of the model is on the accelerators."""
        return self.split.near if self.split else self.model

    @property
    def growth(self) -> float:
        """Bytes that each further token of a long sequence takes on the fullest accelerator."""
        own = rank_growth_bytes(self.cache_model, self.layout)
        return own + self.draft.growth if self.draft else own

    @property
    def cache_model(self) -> Model:
        """What is on the accelerators as caches hold it: under some engines windowed layers are whole."""
        return without_windows(self.near) if self.start.windows == WHOLE else self.near

    @property
    def far_weights(self) -> float:
        """Bytes of weights in the host."""
        return self.split.far_weights if self.split else 0.0

    @property
    def far_cache(self) -> float:
        """Bytes of one sequence's cache in the host."""
        return self.split.far_cache(self.context) if self.split else 0.0

    @property
    def host_bytes(self) -> float:
        """Bytes of weights, and of all the sequences' cache, in the host."""
        return self.far_weights + self.batch * self.far_cache

    @property
    def host_left(self) -> float:
        """Bytes that weights and caches leave of the host's room; negative when they do not fit, 0 without a host."""
        if self.host is None:
            return 0.0
        return formulas.memory.host_left(
            host_room=held_memory(self.host), far_weights=self.far_weights, batch=self.batch, far_cache=self.far_cache
        )

    @property
    def host_needed(self) -> float:
        """Bytes of memory that a host would need."""
        return formulas.memory.host_needed(
            far_weights=self.far_weights, batch=self.batch, far_cache=self.far_cache, host_usable=USABLE
        )

    @property
    def cache(self) -> float:
        """Bytes of all the sequences' cache on the fullest accelerator."""
        sequences, each = self.per_rank, self.per_sequence
        if not self.shared:
            return formulas.memory.rank_cache(sequences=sequences, cache_per_sequence=each)
        prefix, behind = self._of_prefix
        return formulas.memory.shared_rank_cache(
            sequences=sequences, cache_per_sequence=each, prefix_cache=prefix, cache_after_prefix=behind
        )

    @property
    def per_rank(self) -> int:
        """Sequences of the batch that the fullest accelerator has a part in: its data parallel group's."""
        if self.layout.dp == 1:
            return self.batch
        return int(formulas.memory.group_sequences(batch=self.batch, groups=self.layout.dp))

    @property
    def per_sequence(self) -> float:
        """Bytes of one sequence's cache on the fullest accelerator."""
        return self._cache_at(self.context)

    @property
    def behind(self) -> float:
        """Tokens of each sequence behind the shared prefix."""
        return formulas.memory.tokens_behind(context=self.context, shared_prefix=self.shared)

    @property
    def _of_prefix(self) -> tuple[float, float]:
        """Bytes of the cache of the shared prefix, and of what each sequence keeps behind it: states, own windows."""
        return self._cache_at(self.shared), self._cache_at(self.behind)

    @property
    def needed(self) -> float:
        """Bytes that the fullest accelerator needs: weights, what the engine sets aside, and all sequences' cache."""
        return formulas.memory.memory_needed(
            weight_bytes_per_gpu=self.weights,
            draft_bytes_per_gpu=self.draft.weights if self.draft else 0.0,
            activation_reserve=self.activations,
            engine_overhead=self.engine,
            rank_cache=self.cache,
        )

    @property
    def left(self) -> float:
        """Bytes of the pool that the sequences leave; negative when they do not fit."""
        return formulas.memory.pool_left(kv_pool=self.pool, rank_cache=self.cache)

    @property
    def fits(self) -> bool:
        """Whether weights, reserves and every sequence's cache fit."""
        return self.left >= 0 and self.host_left >= 0

    @property
    def shortfall(self) -> float:
        """Bytes that are missing on all devices and in the host; 0 where everything fits."""
        return max(-self.left, 0.0) * self.layout.devices + max(-self.host_left, 0.0)

    @property
    def barely(self) -> bool:
        """Whether what is left is under a twentieth of the device, and less than as many sequences again would take."""
        return self.fits and self.left < BARELY * self.device_memory and (self.max_sequences or 0) < 2 * self.batch

    @property
    def max_sequences(self) -> int | None:
        """Sequences of this context that the pools of all groups hold; None where a sequence keeps no cache."""
        if self.pool < 0 or (self.host_left < 0 and not self.far_cache):
            return 0
        here = None
        if self.per_sequence:
            here = (
                self._shared_room()
                if self.shared
                else formulas.memory.sequences_that_fit(
                    kv_pool=self.pool, cache_per_sequence=self.per_sequence, groups=self.layout.dp
                )
            )
        return self._in_host(here) if self.far_cache else here

    def _shared_room(self) -> int:
        """Sequences that the pools of all groups hold where each group keeps their common start once."""
        prefix, behind = self._of_prefix
        return formulas.memory.sequences_that_share(
            kv_pool=self.pool,
            cache_per_sequence=self.per_sequence,
            prefix_cache=prefix,
            cache_after_prefix=behind,
            groups=self.layout.dp,
        )

    def _in_host(self, here: int | None) -> int:
        """The sequences that the accelerators hold, or as many of them as the host does."""
        assert self.host is not None
        there = formulas.memory.host_sequences(
            host_room=held_memory(self.host), far_weights=self.far_weights, far_cache=self.far_cache
        )
        if here is None:
            return max(there, 0)
        return max(int(formulas.memory.sequences_in_both(sequences_that_fit=here, host_sequences=there)), 0)

    @property
    def longest_context(self) -> int | None:
        """The longest context at which the batch fits; None where it never grows out of the pool."""
        if self.host_left < 0 and not self.far_cache:
            return 0
        here = _longest_context(self._part_at, sequences=self.per_rank, kv_pool=self.pool)
        if self.host is None or self.split is None or not self.far_cache:
            return here
        room = held_memory(self.host) - self.far_weights
        there = _longest_context(self.split.far_cache, sequences=self.batch, kv_pool=room)
        return min((one for one in (here, there) if one is not None), default=None)

    @property
    def usable_context(self) -> int | None:
        """The longest context at which the batch fits and that the model was made for; None where neither is known."""
        return min(
            (one for one in (self.longest_context, self.cache_model.max_context or None) if one is not None),
            default=None,
        )

    def _part_at(self, context: float) -> float:
        """Bytes of one sequence's cache of so many tokens, of a shared prefix its part, or whole where that is less."""
        whole, prefix = self._cache_at(context), min(self.shared, context)
        if not prefix:
            return whole
        return min(whole, self._cache_at(prefix) / self.per_rank + self._cache_at(context - prefix))

    def _cache_at(self, context: float) -> float:
        own = rank_cache_bytes(self.cache_model, self.layout, context)
        if self.draft is None:
            return own
        states = rank_cache_bytes(self.cache_model, self.layout, 0) if self.near.is_recurrent else 0
        return formulas.memory.drafted_cache(
            cache_per_sequence=own,
            draft_cache=self.draft.cache(context),
            draft_tokens=self.draft.tokens,
            states_per_sequence=states,
        )


class Drafting(NamedTuple):
    """A draft beside a model, and tokens that it proposes: a model, a head of a shape, or else the one it carries."""

    model: Model | None = None
    tokens: int = 1
    shape: HeadShape | None = None

    @property
    def is_carried(self) -> bool:
        """Whether it is the head that the model's own checkpoint holds, which multiplies by the model's table."""
        return self.model is None and self.shape is None

    def head(self, model: Model) -> Model:
        """The draft of a model as it is read: a head that it carries reads the model's table."""
        if self.shape:
            return head_of(model, self.shape)
        if (own := self.model or prediction_head(model)) is None:
            raise BadValue(f"{model.name} carries no prediction head", "leave --draft out, or give a --draft-model")
        return own

    def layout(self, layout: Layout, draft: Model) -> Layout:
        """How the ranks of a stage share the draft: a head as they share the model, another as widely as it splits."""
        if self.is_carried:
            return layout._replace(pp=1)
        return Layout(shared_width(draft, layout.devices // layout.pp))


#: Nodes are of eight where nothing is known of the part's scale-up domain; a lone card is a domain of one.
USUAL_DOMAIN = 8


class Setup(NamedTuple):
    """A model on an accelerator under a stack: all that a plan needs but its layout.

    ``checkpoint`` is a named model's, None for a bare count; ``context`` and ``batch`` are what must fit, ``start`` is
    what the engine profiles its memory with, ``shared`` the tokens that all sequences begin with
    and that it stores once.
    """

    checkpoint: "Checkpoint | None"
    model: Model
    part: Preset
    stack: Preset
    memory_key: str
    usable: float
    context: int
    batch: int = 1
    host: Host | None = None
    start: Start = AS_USUAL
    drafting: Drafting | None = None
    shared: int = 0

    def plan(
        self, layout: Layout, model: Model | None = None, context: int | None = None, offload: Offload | None = None
    ) -> Plan:
        """What the fullest accelerator holds under a layout, with another model or context when asked.

        Of the ways to put a part into a host it is the one that is known, else the first after which the accelerators
        hold the rest, or the last: further ways only take more of the host.

        Raises:
            BadValue: a layout that no engine accepts.
        """
        chosen = model or self.model
        if self.host is None:
            return self._plan(layout, chosen, context)
        for way in (offload,) if offload else self.host.ways(chosen):
            made = self._plan(layout, chosen, context, split(chosen, way))._replace(host=self.host)
            if made.left >= 0:
                break
        return made

    def _plan(self, layout: Layout, model: Model, context: int | None, parts: Split | None = None) -> Plan:
        made = plan(
            parts.near if parts else model,
            layout,
            self.stack,
            device_memory=self.part.value(self.memory_key),
            usable=self.usable,
            context=self.context if context is None else context,
            batch=self.batch,
            # beside a part in the host the tables are counted with the accelerators', which is on the safe side
            start=self.start._replace(tables_in_host=self.start.tables_in_host and parts is None),
        )
        return share_memory(made._replace(model=model, split=parts, shared=self.shared), self.drafting)

    @property
    def domain(self) -> int:
        """Devices that tensor parallelism may span."""
        return int(self.part.facts["link_domain"].value) if "link_domain" in self.part.facts else USUAL_DOMAIN


class Rack(NamedTuple):
    """A setup in a layout, with the counts of its model; ``given`` is whether the count of devices was given.

    ``gpus_for_weights`` are the least devices that hold the weights alone, ``widths`` the parallel widths given,
    ``idle`` the devices given beside a lone replica that have no part in it.
    """

    setup: Setup
    plan: Plan
    params: float
    active_params: float
    weight_bytes: float
    gpus_for_weights: int
    given: bool = True
    widths: Layout = FREE
    idle: int = 0

    @property
    def place(self) -> str:
        """Its devices in a sentence: ``8 x h100-sxm``, of all that were given where some are idle."""
        of = f" of {self.devices + self.idle:,}" if self.idle else ""
        return counted(f"{self.devices:,}{of}", called(self.part))

    @property
    def model(self) -> Model:
        """The model: named, or a bare count of parameters."""
        return self.plan.model

    @property
    def part(self) -> Preset:
        """The accelerator, as the stack uses it."""
        return part_under(self.setup.part, self.setup.stack)

    @property
    def not_covered(self) -> str:
        """Why its numbers are no better than a bound; empty where the law of its stack was measured on such parts."""
        if engine := unmeasured(self.model.quantization.name):
            return f"no run of {engine} is known here"
        return not_covered(self.part, self.setup.stack, recurrent=self.model.is_recurrent)

    @property
    def format(self) -> Format:
        """The format in which most of the matrices compute."""
        return arithmetic_format(self.model.quantization)

    @property
    def devices(self) -> int:
        """Accelerators of one replica."""
        return self.plan.layout.devices

    @property
    def width(self) -> int:
        """Devices that work on a layer together."""
        return self.devices // self.plan.layout.pp


def start_of(profile: Preset, part: Preset, sequences: float | None = None, tokens: float | None = None) -> Start:
    """How an engine starts on a part, with the sequences and the prompt tokens that were asked for."""
    apart, asked = over_pcie(part), int(sequences or 0)
    since, release = (release_of(text) for text in (profile.labels.get("windows_since", ""), profile.name))
    windows = WHOLE if since and release and release < since else KEPT if "engine" in part.labels else UNKNOWN
    if "profiled_sequences" not in profile.facts:
        tables = reads_gguf(profile) and part.labels.get("kind") not in COMPUTERS
        return Start(asked=asked, over_pcie=apart, windows=windows, tables_in_host=tables)
    usual, usual_tokens = profile.value("profiled_sequences"), profile.value("chunk_tokens")
    own, own_tokens = usual, usual_tokens
    if is_small(part, profile):
        own = profile.value("profiled_sequences_small")
        if "chunk_tokens_small" in profile.facts:
            own_tokens = profile.value("chunk_tokens_small")
    start = Start(sequences or own, usual, tokens or own_tokens, usual_tokens, asked, apart, windows)
    return start._replace(asked_tokens=int(tokens or 0))


def rule_of(profile: Preset, part: Preset, tokens: float | None = None) -> Rule | None:
    """What an engine's own rule of its share of memory takes on a part, None for an engine that has no such rule."""
    if "reserve_per_token" not in profile.facts:
        return None
    keys = ("memory_reported", "memory_engine", "memory")
    memory = part.value(next((key for key in keys if key in part.facts), "memory"))
    row = next((row for row in TIERS[:-1] if memory < profile.value(f"start_{row}_memory")), TIERS[-1])
    graphs = profile.value(f"start_{row}_graphs"), profile.value(f"start_{row}_graphs_wide")
    vendor = profile.labels.get("captures_on", "")
    captures = part.labels.get("vendor", vendor) == vendor
    sizes = profile.value(f"start_{row}_prompt_graphs") if captures else 0
    asked = max(tokens or profile.value(f"start_{row}_tokens"), FEW_TOKENS)
    return Rule(memory, asked, graphs, sizes)


def share_by(rule: Rule, model: Model, layout: Layout, profile: Preset) -> float:
    """The share of a part's memory that an engine plans with in a layout, by its own rule; 0 where it leaves none."""
    value = profile.value
    graphs = rule.graphs[layout.ranks >= MANY_RANKS]
    reserve = formulas.memory.start_reserve(
        **{key: value(key) for key in ("reserve_base", "reserve_per_token", "reserve_per_graph", "reserve_per_rank")},
        profiled_tokens=rule.tokens,
        graph_sequences=graphs,
        tensor_ranks=layout.tp,
        groups=layout.dp,
        stages=layout.pp,
    )
    if layout.dp > 1:
        padded = value("reserve_per_group_wide" if graphs > MANY_GRAPHS else "reserve_per_group")
        reserve = formulas.memory.grouped_reserve(
            start_reserve=reserve, reserve_per_group=padded, graph_sequences=graphs, groups=layout.dp
        )
    elif layout.pp == 1 and (captured := _captured(rule, model, profile)):
        reserve = formulas.memory.captured_reserve(start_reserve=reserve, prompt_graphs_reserve=captured)
    if rule.memory > MUCH_MEMORY:
        reserve = formulas.memory.floored_reserve(start_reserve=reserve, reserve_floor=value("reserve_floor"))
    if reserve >= rule.memory:
        return 0.0
    share = formulas.memory.own_share(start_reserve=reserve, reported_memory=rule.memory)
    if not model.vision_params:
        return share
    keys = ("vision_base", "vision_slope", "vision_least", "vision_most", "vision_params_usual")
    tower = {key: value(key) for key in keys}
    return formulas.memory.vision_share(usable=share, vision_params=model.vision_params, **tower)


def _captured(rule: Rule, model: Model, profile: Preset) -> float:
    """Bytes that an engine leaves to graphs of prompts: none where it captures none, one sum for latent caches."""
    if not rule.prompts or model.vision_params:
        return 0.0
    if any(layer.attention.latent for layer in model.layers):
        return profile.value("reserve_latent_graphs")
    each = profile.value("reserve_per_prompt_graph")
    return formulas.memory.prompt_graphs_reserve(prompt_graphs=rule.prompts, reserve_per_prompt_graph=each)


@solved("longest_context", equation="B_1 × K_S(S_max) = C_kv", source="the cache of all sequences fills the pool")
def _longest_context(cache_at: Callable[[int], float], *, sequences: int, kv_pool: float) -> int | None:
    """The last context that a pool holds, by halving: 0 where it holds none, None where every one."""

    def holds(context: int) -> bool:
        return sequences * cache_at(context) <= kv_pool

    if not holds(0):
        return 0
    if holds(LONGEST):
        return None
    low, high = 0, LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def without_windows(model: Model) -> Model:
    """The model with every layer's cache as long as the context; compressed layers keep their window."""
    layers = (
        layer if layer.attention.has_past else layer._replace(attention=layer.attention._replace(window=0))
        for layer in model.layers
    )
    return model._replace(layers=tuple(layers))


def without_tables(model: Model) -> Model:
    """A model without its tables that are only looked up, which llama.cpp never puts on a card.

    A table that is the head too is on the card as the head.
    """
    return model._replace(embedding=0 if model.head else model.embedding, lookup=0)


def _state_blocks(model: Model, layout: Layout, pool: float) -> Blocks:
    """Blocks of vLLM's pool, each a page of every layer of a group: as many layers as the rarest kind has."""
    kinds = [(layer.times, layer.attention) for layer in model.layers if layer.attention.kind != "none"]
    states = [(times, one) for times, one in kinds if one.state]
    others = [(times, one) for times, one in kinds if not one.state and one.cache]
    page = max(rank_layer_cache(model, one, layout, 0) for _, one in states)
    if others:
        token = max(rank_layer_cache(model, one, layout, 1) for _, one in others)
        page = formulas.memory.state_page(state_bytes=page, page_token_bytes=token, page_step=PAGE_STEP)
    counts = [sum(times for times, _ in each) for each in (states, others) if each]
    group = min(counts)
    local = max(ceil(group / layout.pp), 1)
    count = formulas.memory.state_blocks(kv_pool=pool, group_layers=local, state_page=page)
    return Blocks(count, sum(ceil(each / group) for each in counts))


def plan(
    model: Model,
    layout: Layout,
    profile: Preset,
    *,
    device_memory: float,
    usable: float,
    context: float,
    batch: int,
    start: Start = AS_USUAL,
) -> Plan:
    """What the fullest accelerator of a layout holds of a model, or of the part of it that is on the accelerators.

    An engine that sets aside more than an accelerator has does not run there: nothing is known to be set aside.

    Raises:
        BadValue: a layout that no engine accepts.
    """
    check(model, layout)
    share, basis = share_by(start.rule, model, layout, profile) if start.rule else usable, share_of(profile)
    share, unknown = share or usable, not share
    weights = rank_weight_bytes(without_tables(model) if start.tables_in_host else model, layout)
    activations = 0.0 if basis == "start" else _activations(model, profile, start)
    engine = profile.value(_overhead(profile, layout, start))
    if unreserved := unknown or activations + engine > device_memory * share:
        activations = engine = 0.0
    held = {"device_memory": device_memory, "usable": share, "weight_bytes_per_gpu": weights, "engine_overhead": engine}
    if basis == "start":
        pool = formulas.memory.pool_at_start(**held)
    else:
        sized = formulas.memory.pool_of_rest if basis == "rest" else formulas.memory.kv_pool
        pool = sized(**held, activation_reserve=activations)
    made = Plan(model, layout, device_memory, share, weights, activations, engine, pool, context, batch)
    return made._replace(start=start, unreserved=unreserved, share_of=basis)


def _activations(model: Model, profile: Preset, start: Start) -> float:
    """Bytes set aside for activations."""
    usual: dict[str, float] = {
        "activation_floor": profile.value("activation_floor"),
        "activation_per_vocab": profile.value("activation_per_vocab"),
        "vocab_size": model.vocab_size,
    }
    if (start.sequences, start.tokens) == (start.usual_sequences, start.usual_tokens):
        return formulas.memory.activation_reserve(**usual)
    return formulas.memory.profiled_reserve(
        **usual,
        profiled_tokens=start.tokens,
        usual_tokens=start.usual_tokens,
        profiled_sequences=start.sequences,
        usual_sequences=start.usual_sequences,
    )


def _overhead(profile: Preset, layout: Layout, start: Start) -> str:
    """The figure of an engine's own memory: stages have no buffers of collectives, nor do ranks without a switch."""
    if layout.devices == (1 if splits_layers(profile) else layout.pp):
        return "engine_overhead"
    apart = "engine_overhead_pcie"
    return apart if start.over_pcie and apart in profile.facts else "engine_overhead_parallel"


def share_memory(plan: Plan, drafting: Drafting | None) -> Plan:
    """The plan with what a draft's weights leave of the pool: each stage's ranks share one copy.

    Raises:
        BadValue: a model that carries no head.
    """
    if drafting is None:
        return plan
    draft = drafting.head(plan.model)
    layout = drafting.layout(plan.layout, draft)
    stored = draft._replace(head=0) if drafting.is_carried else draft
    params = counting.active_params(draft) if drafting.model else _used_of_head(draft)
    memory = DraftMemory(stored, layout, drafting.tokens, params)
    pool = formulas.memory.drafted_pool(kv_pool=plan.pool, draft_bytes_per_gpu=memory.weights)
    return plan._replace(pool=pool, draft=memory)


def _used_of_head(draft: Model) -> float:
    """Parameters of a head that one token uses."""
    parts = [(1, draft.head)]
    for attention, ffn, small in ((layer.attention, layer.ffn, counting.small(layer)) for layer in draft.layers):
        whole = (attention.split, attention.copied, ffn.dense, ffn.shared, ffn.router, small)
        parts += [*((1, each) for each in whole if each), (ffn.active, ffn.expert + ffn.expert_small)]
    counts, params = zip(*[(count, each) for count, each in parts if count], strict=True)
    return formulas.layer.draft_active_params(draft_parts=counts, draft_part_params=params)


def shared_width(draft: Model, ranks: int) -> int:
    """How many of the target's ranks share a draft: as many as split it evenly."""
    return max(tp for tp in valid_widths(draft) if ranks % tp == 0 and tp <= ranks)


# What stands in the rack: a model on accelerators under a stack, how fast it steps, and where it is well used.


def recounted(rack: Rack) -> Rack:
    """The same rack, counted again from its model up: what ``--steps`` shows of it."""
    model, setup = rack.model, rack.setup
    if model.is_bare:
        bare_count(rack.params, rack.active_params, rack.format, model.depth, model.hidden_size)
    total = counting.weight_bytes(model)
    offload = rack.plan.split and rack.plan.split.offload
    if by_rule := setup.start.rule is not None:
        rack = rack._replace(plan=setup.plan(rack.plan.layout, offload=offload))
    least = formulas.memory.gpus_for_weights(
        weight_bytes=total, device_memory=rack.plan.device_memory, usable=rack.plan.usable
    )
    plan = rack.plan if by_rule else setup.plan(rack.plan.layout, offload=offload)
    return rack._replace(plan=plan, weight_bytes=total, gpus_for_weights=least)
