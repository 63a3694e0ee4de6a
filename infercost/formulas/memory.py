"""What holds the weights, on cards and in a host, and how many bytes a step reads."""

from collections.abc import Sequence

from infercost.formulas.formula import NOTE, formula, total
from infercost.numeric import ceiling, floor, maximum, minimum

VLLM = "vLLM 0.19.0 start-up logs on H100: pool = usable x memory - weights - activations - engine"


MEGATRON = "Shoeybi et al., Megatron-LM, arXiv 1909.08053: ranks split matrices by heads and columns"
PIPELINE = "Huang et al., GPipe, arXiv 1811.06965: a stage holds its layers; the fullest has most of them"


SGLANG = "sgl-project/sglang 0.5.3 to 0.5.23, handle_gpu_memory_settings"


REPORTS = "fitted on 17 reports of experts in host memory from 13 sources"
PREFIX = "Kwon et al., PagedAttention, arXiv 2309.06180, 4.4; docs.vllm.ai, Automatic Prefix Caching: blocks are shared"
LINK = "vLLM: weights in host memory come over the link in every pass"


@formula(source=NOTE)
def weight_bytes(*, params: float, bytes_per_param: float) -> float:
    """Bytes of all weights."""
    return params * bytes_per_param


@formula(source=NOTE)
def gpus_for_weights(*, weight_bytes: float, device_memory: float, usable: float) -> int:
    """Least accelerators whose usable memory holds the weights."""
    return ceiling(weight_bytes / (device_memory * usable))


@formula(source="whole scale-up domains, as hardware is rented")
def nodes(*, devices: float, domain: float) -> int:
    """Scale-up domains (nodes) that hold the accelerators."""
    return ceiling(devices / domain)


@formula(source="a GiB of a data sheet is sold as a GB")
def sold_memory(*, binary_memory: float) -> float:
    """Bytes of a memory by the label that it is sold under."""
    return binary_memory / 1.073741824


@formula(source="Austin et al., How to Scale Your Model (2025), roofline chapter")
def drain_time(*, device_memory: float, memory_bandwidth: float) -> float:
    """Seconds to read an accelerator's whole memory once: the least step time of a model that fills it."""
    return device_memory / memory_bandwidth


@formula(source=MEGATRON)
def layer_dense_weights(
    *, split_weights: float, kv_weights: float, kv_copies: float, tensor_ranks: float, copied_weights: float
) -> float:
    """Bytes of one layer on one rank, routed experts apart."""
    return (split_weights + (kv_copies - 1) * kv_weights) / tensor_ranks + copied_weights


@formula(source=MEGATRON)
def kv_weights(*, kv_params: float, kv_bytes_per_param: float) -> float:
    """Bytes of the key and value matrices of one layer, which ranks that outnumber KV heads copy."""
    return kv_params * kv_bytes_per_param


@formula(source="Rajbhandari et al., DeepSpeed-MoE, arXiv 2201.05596: whole experts on each expert parallel rank")
def experts_on_rank(*, experts: float, expert_ranks: float) -> float:
    """Routed experts of one layer on the fullest rank."""
    return ceiling(experts / expert_ranks)


@formula(source=MEGATRON)
def expert_slices(*, experts: float, tensor_ranks: float) -> float:
    """Routed experts of one layer that a rank's slices of all of them add up to."""
    return experts / tensor_ranks


@formula(source="experts beside what every token uses")
def layer_weights(*, layer_dense_weights: float, experts_on_rank: float, expert_weights: float) -> float:
    """Bytes of one layer with routed experts on one rank."""
    return layer_dense_weights + experts_on_rank * expert_weights


@formula(source="sum over layers")
def all_layer_weights(*, layers_of_kind: Sequence[float], layer_weights: Sequence[float]) -> float:
    """Bytes of all layers on one rank of each stage."""
    return total(layers_of_kind, layer_weights)


@formula(source=PIPELINE)
def stage_layers(*, layers: float, stages: float) -> float:
    """Layers of the fullest pipeline stage."""
    return ceiling(layers / stages)


@formula(source=PIPELINE)
def stage_weights(*, all_layer_weights: float, stage_layers: float, layers: float) -> float:
    """Bytes of the layers of the fullest stage on one rank."""
    return all_layer_weights * stage_layers / layers


@formula(source=MEGATRON)
def table_weights(
    *,
    table_params: float,
    table_bytes_per_param: float,
    head_params: float,
    head_bytes_per_param: float,
    tensor_ranks: float,
) -> float:
    """Bytes of the input table and the output head on one rank that holds both."""
    return table_params * table_bytes_per_param / tensor_ranks + head_params * head_bytes_per_param / tensor_ranks


@formula(source=PIPELINE)
def end_stage_weights(
    *,
    table_params: float,
    table_bytes_per_param: float,
    head_params: float,
    head_bytes_per_param: float,
    tensor_ranks: float,
) -> float:
    """Bytes of the larger of input table and output head, which are on the first and on the last stage."""
    return maximum(
        table_params * table_bytes_per_param / tensor_ranks, head_params * head_bytes_per_param / tensor_ranks
    )


@formula(source="sum of what the fullest rank holds: layers, tables, norms and its part of a vision tower")
def rank_weights(
    *,
    stage_weights: float,
    table_weights: float,
    norm_params: float,
    vision_params: float,
    tensor_ranks: float,
    norm_bytes_per_param: float,
) -> float:
    """Bytes of weights on the fullest accelerator, as engines split them."""
    return (
        stage_weights
        + table_weights
        + norm_params * norm_bytes_per_param
        + vision_params * norm_bytes_per_param / tensor_ranks
    )


@formula(source="sum over parts, each in the format that stores it; a vision tower is loaded too, and not quantized")
def loaded_weights(*, part_params: Sequence[float], bytes_per_param: Sequence[float]) -> float:
    """Bytes of all weights that an engine loads."""
    return total(part_params, bytes_per_param)


@formula(source="sum over layers")
def sequence_cache(*, layers_of_kind: Sequence[float], layer_cache: Sequence[float]) -> float:
    """Bytes of cache and state that one sequence keeps in all layers, no copies counted."""
    return total(layers_of_kind, layer_cache)


@formula(source=MEGATRON)
def rank_layer_cache(*, layer_cache: float, kv_copies: float, tensor_ranks: float) -> float:
    """Bytes of one sequence's cache in one layer on one rank."""
    return layer_cache * kv_copies / tensor_ranks


@formula(source="vLLM and SGLang: index keys are of all heads, so that no rank can do without them")
def rank_indexed_cache(*, layer_cache: float, index_cache: float, kv_copies: float, tensor_ranks: float) -> float:
    """Bytes of one sequence's cache in one layer on one rank, which holds an indexer's keys whole."""
    return (layer_cache - index_cache) * kv_copies / tensor_ranks + index_cache


@formula(source="sum over layers")
def cache_per_sequence(*, layers_of_kind: Sequence[float], rank_layer_cache: Sequence[float]) -> float:
    """Bytes of one sequence's cache on one accelerator that has a part of every layer."""
    return total(layers_of_kind, rank_layer_cache)


@formula(source=PIPELINE)
def stage_cache(*, cache_per_sequence: float, stage_layers: float, layers: float) -> float:
    """Bytes of one sequence's cache on one accelerator of the fullest stage."""
    return cache_per_sequence * stage_layers / layers


@formula(source="a compressed cache keeps one entry for several positions")
def growing_cache(
    *,
    cache_elements: float,
    cache_element_bytes: float,
    index_elements: float,
    index_element_bytes: float,
    compress: float,
) -> float:
    """Bytes that each further token of a long sequence adds to the cache of one layer."""
    return (cache_elements * cache_element_bytes + index_elements * index_element_bytes) / compress


@formula(source="sum over layers; windows that are full and states no longer grow")
def token_cache(*, layers_of_kind: Sequence[float], growing_cache: Sequence[float]) -> float:
    """Bytes that each further token of a long sequence adds to its cache."""
    return total(layers_of_kind, growing_cache)


@formula(source=MEGATRON)
def rank_growing_cache(*, growing_cache: float, index_growth: float, kv_copies: float, tensor_ranks: float) -> float:
    """Bytes that each further token of a long sequence adds to one layer's cache on one rank, index keys whole."""
    return (growing_cache - index_growth) * kv_copies / tensor_ranks + index_growth


@formula(source="sum over layers")
def rank_token_cache(*, layers_of_kind: Sequence[float], rank_growing_cache: Sequence[float]) -> float:
    """Bytes that each further token of a long sequence takes on one accelerator that has a part of every layer."""
    return total(layers_of_kind, rank_growing_cache)


@formula(source=PIPELINE)
def stage_token_cache(*, rank_token_cache: float, stage_layers: float, layers: float) -> float:
    """Bytes that each further token of a long sequence takes on one accelerator of the fullest stage."""
    return rank_token_cache * stage_layers / layers


@formula(source="a data parallel group serves sequences of its own; the fullest has most")
def group_sequences(*, batch: float, groups: float) -> float:
    """Sequences of a batch that one data parallel group holds."""
    return ceiling(batch / groups)


@formula(source="a draft's weights are loaded before the pool is sized")
def drafted_pool(*, kv_pool: float, draft_bytes_per_gpu: float) -> float:
    """Bytes left on one accelerator for KV cache beside a draft."""
    return kv_pool - draft_bytes_per_gpu


@formula(source="each sequence keeps its own")
def batch_cache(*, batch: float, sequence_cache: float) -> float:
    """Bytes of cache and state that all sequences keep in all layers, no copies counted."""
    return batch * sequence_cache


@formula(source="what is loaded and the cache of the sequences asked for, whatever holds them")
def model_memory(*, weight_bytes: float, batch_cache: float) -> float:
    """Bytes that a model and its sequences take before what an engine sets aside."""
    return weight_bytes + batch_cache


@formula(source="what is loaded, what the engine sets aside, and the cache of the sequences asked for")
def memory_needed(
    *,
    weight_bytes_per_gpu: float,
    draft_bytes_per_gpu: float,
    activation_reserve: float,
    engine_overhead: float,
    rank_cache: float,
) -> float:
    """Bytes that a model and its sequences take of the fullest accelerator."""
    return weight_bytes_per_gpu + draft_bytes_per_gpu + activation_reserve + engine_overhead + rank_cache


@formula(source="a draft keeps a cache of its own, and a recurrent model a state for each token to be verified")
def drafted_cache(
    *, cache_per_sequence: float, draft_cache: float, draft_tokens: float, states_per_sequence: float
) -> float:
    """Bytes of one sequence's cache on one accelerator, the draft's included."""
    return cache_per_sequence + draft_cache + draft_tokens * states_per_sequence


@formula(source="what a draft reads for each of its tokens, beside the pass that verifies them")
def drafted_bytes(*, step_bytes: float, draft_tokens: float, draft_bytes: float) -> float:
    """Bytes of weights and cache that all accelerators read in a step of drafting and verification."""
    return step_bytes + draft_tokens * draft_bytes


@formula(source="whole sequences")
def rank_cache(*, sequences: float, cache_per_sequence: float) -> float:
    """Bytes of all sequences' cache on the fullest accelerator."""
    return sequences * cache_per_sequence


@formula(source="pool less what is asked for; negative when it does not fit")
def pool_left(*, kv_pool: float, rank_cache: float) -> float:
    """Bytes of an accelerator's pool that the sequences leave."""
    return kv_pool - rank_cache


@formula(source="sum over layers")
def reused_params(*, layers_of_kind: Sequence[float], params_of_block: Sequence[float]) -> float:
    """Parameters of blocks that later layers multiply again."""
    return total(layers_of_kind, params_of_block)


@formula(source=MEGATRON)
def dense_weights_read(
    *,
    layers_of_kind: Sequence[float],
    layer_dense_weights: Sequence[float],
    reused_params: float,
    ffn_bytes_per_param: float,
    head_params: float,
    head_bytes_per_param: float,
    tensor_ranks: float,
    norm_params: float,
    norm_bytes_per_param: float,
    ranks: float,
) -> float:
    """Bytes that all ranks read whatever the batch: layers but their routed experts, blocks used again, head, norms."""
    return (
        total(layers_of_kind, layer_dense_weights)
        + reused_params * ffn_bytes_per_param / tensor_ranks
        + head_params * head_bytes_per_param / tensor_ranks
        + norm_params * norm_bytes_per_param
    ) * ranks


@formula(source="sum over layers with routed experts")
def expert_of_each_layer(*, layers_of_kind: Sequence[float], expert_weights: Sequence[float]) -> float:
    """Bytes of one routed expert of each layer."""
    return total(layers_of_kind, expert_weights)


@formula(source="what every token uses is read once, and each expert that any token chose")
def bytes_read(
    *, dense_weights_read: float, experts_hit: Sequence[float], expert_of_each_layer: Sequence[float]
) -> float:
    """Bytes of weights that all accelerators read in one pass."""
    return dense_weights_read + total(experts_hit, expert_of_each_layer)


@formula(source="sum over layers")
def sequence_cache_read(*, layers_of_kind: Sequence[float], rank_cache_read: Sequence[float]) -> float:
    """Bytes of one sequence's cache that one rank reads in a step."""
    return total(layers_of_kind, rank_cache_read)


@formula(source="each sequence's cache is read for itself")
def cache_read(*, sequence_cache_read: float, ranks: float, sequences: float) -> float:
    """Bytes of cache that all accelerators read in one pass."""
    return sequence_cache_read * ranks * sequences


@formula(source="sequences that decode and prompts whose start is cached")
def mixed_cache_read(*, cache_read: float, prompt_cache_read: float) -> float:
    """Bytes of cache that one pass reads for decoding and for prompts."""
    return cache_read + prompt_cache_read


@formula(source="sum of both")
def step_bytes(*, bytes_read: float, cache_read: float) -> float:
    """Bytes of weights and cache that all accelerators read in one step."""
    return bytes_read + cache_read


@formula(source="definition of the share")
def cache_bytes_share(*, cache_read: float, step_bytes: float) -> float:
    """Share of the caches in the bytes that one step reads, weights being the rest."""
    return cache_read / step_bytes


@formula(source=PIPELINE)
def staged_step_bytes(*, step_bytes: float, batch: float, stage_batch: float) -> float:
    """Bytes of a step whose stages read their weights again for every part of the batch."""
    return step_bytes * (batch / stage_batch)


@formula(source="a block of threads a query head loads the head's cache; caches on the chip serve most of it")
def cache_reads(*, queries: float, cache_rereads: float) -> float:
    """Times that a step's attention reads the cache, where query heads that share a KV head read it apart."""
    return 1 + cache_rereads * (queries - 1)


@formula(source=VLLM)
def activation_reserve(*, activation_floor: float, activation_per_vocab: float, vocab_size: float) -> float:
    """Bytes that an engine sets aside for activations: logits grow with the vocabulary."""
    return maximum(activation_floor, activation_per_vocab * vocab_size)


@formula(source="vllm-project/vllm, profile_run: a pass of its most prompt tokens, then logits of its most sequences")
def profiled_reserve(
    *,
    activation_floor: float,
    profiled_tokens: float,
    usual_tokens: float,
    activation_per_vocab: float,
    vocab_size: float,
    profiled_sequences: float,
    usual_sequences: float,
) -> float:
    """Bytes that an engine sets aside for activations where it starts with other sequences or tokens than usual."""
    return maximum(
        activation_floor * profiled_tokens / usual_tokens,
        activation_per_vocab * vocab_size * profiled_sequences / usual_sequences,
    )


@formula(source="a recurrent layer's state is one page; layers share blocks in groups as large as its smallest kind")
def state_page(*, state_bytes: float, page_token_bytes: float, page_step: float) -> float:
    """Bytes of a page that holds one state: whole steps of tokens of an attention layer's cache."""
    return ceiling(state_bytes / (page_token_bytes * page_step)) * page_token_bytes * page_step


@formula(source="vLLM, hybrid KV cache manager: all groups take blocks from one pool")
def state_blocks(*, kv_pool: float, group_layers: float, state_page: float) -> int:
    """Blocks of one page of each layer of a group that a pool holds."""
    return floor(kv_pool / (group_layers * state_page))


@formula(source=VLLM)
def kv_pool(
    *,
    device_memory: float,
    usable: float,
    weight_bytes_per_gpu: float,
    activation_reserve: float,
    engine_overhead: float,
) -> float:
    """Bytes left on one accelerator for KV cache; negative when the model does not fit."""
    return device_memory * usable - weight_bytes_per_gpu - activation_reserve - engine_overhead


@formula(source=SGLANG)
def start_reserve(
    *,
    reserve_base: float,
    reserve_per_token: float,
    profiled_tokens: float,
    reserve_per_graph: float,
    graph_sequences: float,
    reserve_per_rank: float,
    tensor_ranks: float,
    groups: float,
    stages: float,
) -> float:
    """Bytes of an accelerator that an engine leaves to activations and graphs: a pass, its decode graphs, its ranks."""
    return (
        reserve_base
        + reserve_per_token * profiled_tokens
        + reserve_per_graph * graph_sequences
        + reserve_per_rank * tensor_ranks * groups * stages
    )


@formula(source=SGLANG)
def grouped_reserve(*, start_reserve: float, reserve_per_group: float, graph_sequences: float, groups: float) -> float:
    """Bytes left to activations and graphs where attention is data parallel, which pads its batches."""
    return start_reserve + reserve_per_group * graph_sequences * groups


@formula(source=SGLANG)
def prompt_graphs_reserve(*, prompt_graphs: float, reserve_per_prompt_graph: float) -> float:
    """Bytes left to graphs of prompts, of which each captured size takes some."""
    return prompt_graphs * reserve_per_prompt_graph


@formula(source=SGLANG)
def captured_reserve(*, start_reserve: float, prompt_graphs_reserve: float) -> float:
    """Bytes left to activations and graphs where prompts are captured too."""
    return start_reserve + prompt_graphs_reserve


@formula(source=SGLANG)
def floored_reserve(*, start_reserve: float, reserve_floor: float) -> float:
    """Bytes left to activations and graphs on a part of much memory: no less than a floor."""
    return maximum(start_reserve, reserve_floor)


@formula(source=SGLANG)
def own_share(*, start_reserve: float, reported_memory: float) -> float:
    """Share of memory that an engine plans with by its own rule, in three digits, by the memory its driver reports."""
    return floor((1 - start_reserve / reported_memory) * 1000 + 0.5) / 1000


@formula(source="sgl-project/sglang, adjust_mem_fraction_for_vlm; layers x width^2 taken as parameters of the tower")
def vision_share(
    *,
    usable: float,
    vision_base: float,
    vision_least: float,
    vision_most: float,
    vision_slope: float,
    vision_params: float,
    vision_params_usual: float,
) -> float:
    """Share of memory that is planned with beside a vision tower, whose images take memory too."""
    return (
        usable
        * vision_base
        * maximum(vision_least, minimum(vision_most, 1 - vision_slope * (vision_params / vision_params_usual - 1)))
    )


@formula(source="sgl-project/sglang, profile_max_num_token: what is free before weights are loaded, less a share of it")
def pool_at_start(*, device_memory: float, engine_overhead: float, usable: float, weight_bytes_per_gpu: float) -> float:
    """Bytes left on one accelerator for KV cache by a share of what is free at the start; negative when it is short."""
    return (device_memory - engine_overhead) * usable - weight_bytes_per_gpu


@formula(source="NVIDIA/TensorRT-LLM, KvCacheCreator: a share of what weights and the peak of a warm-up pass leave")
def pool_of_rest(
    *,
    device_memory: float,
    weight_bytes_per_gpu: float,
    activation_reserve: float,
    engine_overhead: float,
    usable: float,
) -> float:
    """Bytes on one accelerator for KV cache by a share of what weights and a pass leave; negative when it is short."""
    return (device_memory - weight_bytes_per_gpu - activation_reserve - engine_overhead) * usable


@formula(source="whole sequences")
def sequences_that_fit(*, kv_pool: float, cache_per_sequence: float, groups: int) -> int:
    """Sequences whose cache the pools hold, one accelerator of each data parallel group counted."""
    return floor(kv_pool / cache_per_sequence) * groups


# A prefix that all sequences share: its blocks are held once by a data parallel group, as long as they are not evicted.


@formula(source=PREFIX)
def tokens_behind(*, context: float, shared_prefix: float) -> float:
    """Tokens of a sequence behind the start that all share."""
    return maximum(context - shared_prefix, 0)


@formula(source=PREFIX)
def shared_rank_cache(
    *, sequences: float, cache_per_sequence: float, prefix_cache: float, cache_after_prefix: float
) -> float:
    """Bytes of all sequences' cache on the fullest accelerator, their prefix once, or each whole where that is less."""
    return minimum(sequences * cache_per_sequence, prefix_cache + sequences * cache_after_prefix)


@formula(source=PREFIX)
def sequences_that_share(
    *, kv_pool: float, cache_per_sequence: float, prefix_cache: float, cache_after_prefix: float, groups: int
) -> int:
    """Sequences that the pools hold where a group keeps their prefix once, or each whole where that is more."""
    return floor(maximum(kv_pool / cache_per_sequence, (kv_pool - prefix_cache) / cache_after_prefix)) * groups


@formula(source=PREFIX)
def shared_batch_cache(
    *, batch: float, sequence_cache: float, groups: float, prefix_held: float, held_after_prefix: float
) -> float:
    """Bytes of cache that all sequences keep in all layers, their prefix once in each group, no copies counted."""
    return minimum(batch * sequence_cache, groups * prefix_held + batch * held_after_prefix)


# A model in two memories: what fits into that of a host, and how long a pass takes that reads from it.


@formula(source="assumption: the rest is the operating system's; gpt-oss-120b swaps in 64 GiB")
def host_room(*, host_memory: float, host_usable: float) -> float:
    """Bytes of a host's memory that weights and caches may take."""
    return host_memory * host_usable


@formula(source="room less what is asked for; negative when it does not fit")
def host_left(*, host_room: float, far_weights: float, batch: float, far_cache: float) -> float:
    """Bytes of a host's room that weights and caches leave."""
    return host_room - far_weights - batch * far_cache


@formula(source="the inverse of the room that a host has")
def host_needed(*, far_weights: float, batch: float, far_cache: float, host_usable: float) -> float:
    """Bytes of memory that a host needs for what is to lie in it."""
    return (far_weights + batch * far_cache) / host_usable


@formula(source="whole sequences")
def host_sequences(*, host_room: float, far_weights: float, far_cache: float) -> int:
    """Sequences whose cache a host holds beside the weights in it."""
    return floor((host_room - far_weights) / far_cache)


@formula(source="both memories must hold a sequence")
def sequences_in_both(*, sequences_that_fit: float, host_sequences: float) -> float:
    """Sequences that fit on the cards and in the host."""
    return minimum(sequences_that_fit, host_sequences)


@formula(source=REPORTS + ": card and host work in turn")
def host_step(*, step_time: float, far_time: float) -> float:
    """Seconds of a pass that continues in the host for the layers that it holds."""
    return step_time + far_time


@formula(source=LINK + ", as fast as the narrower end of each link and the host's memory let them")
def sent_bandwidth(*, devices: float, card_link: float, board_link: float, host_nominal: float) -> float:
    """B/s at which a host sends to all accelerators, each over its own link, all out of one memory."""
    return minimum(devices * minimum(card_link, board_link), host_nominal)


@formula(source=LINK)
def link_time(*, far_weights: float, sequences: float, far_cache: float, sent_bandwidth: float) -> float:
    """Seconds to bring what lies in the host to all accelerators."""
    return (far_weights + sequences * far_cache) / sent_bandwidth


@formula(source="what ranks split, and what each of them holds")
def params_of_layer(*, split_params: Sequence[float], copied_params: Sequence[float]) -> float:
    """Parameters of one layer, routed experts apart."""
    return total(split_params) + total(copied_params)


@formula(source="sum over the layers in the host, of routed experts those that a token uses")
def params_in_host(
    *, layers_of_kind: Sequence[float], params_of_layer: Sequence[float], reused_params: float, routed_params: float
) -> float:
    """Parameters in the host that multiply for one token."""
    return total(layers_of_kind, params_of_layer) + reused_params + routed_params


@formula(source="the rest of the model")
def params_on_cards(*, active_params: float, params_in_host: float) -> float:
    """Parameters on the cards that multiply for one token."""
    return active_params - params_in_host


@formula(source="a lower bound: bytes over the memory's nominal bandwidth")
def host_read_time(*, bytes_read: float, cache_read: float, host_nominal: float) -> float:
    """Seconds in which a host reads at least what a pass needs of its memory."""
    return (bytes_read + cache_read) / host_nominal


@formula(source="sum of both")
def sent_time(*, collectives_time: float, link_time: float) -> float:
    """Seconds that accelerators wait for each other and for the host."""
    return collectives_time + link_time
