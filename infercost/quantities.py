"""One table of quantities: the symbol that steps print, the base unit, the meaning, and the names of each."""

from typing import NamedTuple

#: Units that a label says already, as in ``tokens/s``: a table leaves them out.
COUNTED = ("token", "token/s", "1/s")


class Quantity(NamedTuple):
    """A quantity: what steps print of it, what tables call it, and its name in JSON.

    ``symbol`` and ``meaning`` are for steps, ``label`` for the row of a table, ``head`` for a column, ``phrase`` for a
    sentence where the label does not read well. ``json`` is its name in an answer where that is not its name in code
    (with ``_s`` for seconds). ``of`` is the quantity that a formula is one of several ways to: both have one symbol.
    """

    symbol: str
    unit: str
    meaning: str
    label: str = ""
    head: str = ""
    json: str = ""
    phrase: str = ""
    of: str = ""


class Key(NamedTuple):
    """What people call a JSON key or a column: its label, its unit in a table, its head, and a phrase for sentences."""

    label: str
    unit: str
    head: str = ""
    phrase: str = ""


def figure(label: str, unit: str = "", head: str = "", json: str = "", phrase: str = "") -> Quantity:
    """A quantity of answers alone: no formula takes or returns it."""
    return Quantity("", unit, label, label, head, json, phrase)


#: Every quantity by its name in code: of formulas and their parameters first, of answers alone below.
QUANTITIES: dict[str, Quantity] = {
    # the model
    "params": Quantity("N", "param", "parameters of the model", "parameters", json="total_params"),
    "active_params": Quantity("N_a", "param", "parameters used for one token", "parameters per token"),
    "bytes_per_param": Quantity("w", "B/param", "bytes that store one parameter"),
    "weight_bytes": Quantity("M", "B", "bytes of all weights", "weights"),
    "flops_per_param": Quantity("c", "FLOP/param", "operations per parameter and token: one multiply, one add"),
    "flops_per_token": Quantity("f", "FLOP", "operations for one token", "arithmetic per token"),
    "layers": Quantity("L", "", "layers of the model", "layers", "layers"),
    "hidden_size": Quantity("d", "", "width of the model"),
    "activation_bytes": Quantity("b", "B", "bytes of one activation value sent between devices"),
    # the devices
    "devices": Quantity("n", "", "accelerators that share the work"),
    "domain": Quantity("m", "", "accelerators in one scale-up domain (a node)"),
    "nodes": Quantity("n_node", "", "scale-up domains", "nodes"),
    "device_memory": Quantity("C", "B", "memory of one accelerator", "memory per device", json="memory_per_gpu_bytes"),
    "usable": Quantity("u", "share", "share of device memory that may be planned with"),
    "peak_flops": Quantity(
        "F", "FLOP/s", "dense arithmetic rate of one accelerator", "arithmetic", "FLOP/s", json="peak_flops_per_s"
    ),
    "memory_bandwidth": Quantity(
        "W",
        "B/s",
        "memory bandwidth of one accelerator",
        "memory bandwidth",
        "B/s",
        json="memory_bandwidth_bytes_per_s",
    ),
    "link_bandwidth": Quantity("β", "B/s", "link of one accelerator, one direction"),
    "power": Quantity("P", "W", "power of one accelerator", "power", "power", json="power_w"),
    "flops_per_byte": Quantity(
        "I", "FLOP/B", "operations in the time that one byte is read", "balance of the device", "FLOP/B"
    ),
    "arithmetic_intensity": Quantity("I_s", "FLOP/B", "operations for one byte that is read"),
    "attainable_flops": Quantity("F_s", "FLOP/s", "arithmetic rate that an intensity allows one accelerator"),
    "flops_per_joule": Quantity("F_J", "FLOP/J", "operations for one joule", "arithmetic per joule (TDP)", "FLOP/J"),
    "drain_time": Quantity("t_drain", "s", "time to read the whole memory once", "time to drain memory", "drain"),
    # how close a stack comes to the bound
    "compute_share": Quantity("η_c", "share", "share of peak arithmetic that a real stack reaches"),
    "memory_share": Quantity("η_m", "share", "share of memory bandwidth that a real stack reaches"),
    "link_share": Quantity("η_x", "share", "share of link bandwidth that a real stack reaches"),
    "hop_latency": Quantity("α", "s", "latency of one hop of a collective"),
    # fitting
    "gpus_for_weights": Quantity(
        "n_min", "", "least accelerators that hold the weights", "least devices for the weights", "least"
    ),
    "weight_bytes_per_gpu": Quantity(
        "M_1",
        "B",
        "weights on one accelerator",
        "weights per device",
        "weights",
        phrase="what the weights take of a device",
    ),
    # one step
    "batch": Quantity("B", "", "sequences decoded together", "batch", "batch"),
    "bytes_read": Quantity("R", "B", "bytes read from memory in one step, on all devices"),
    "compute_time": Quantity("t_c", "s", "time of the arithmetic of one step", "compute time", "compute"),
    "memory_time": Quantity("t_m", "s", "time to read the bytes of one step once", "memory time", "memory"),
    "communication_time": Quantity("t_x", "s", "time of the collectives of one step", "communication time", "comm."),
    "overhead_time": Quantity("t_o", "s", "fixed time of one step", "overhead"),
    "full_overlap_step": Quantity(
        "t",
        "s",
        "step time when everything overlaps",
        "step, if all overlapped",
        json="full_overlap_step_time_s",
        of="step_time",
    ),
    "operator_overlap_step": Quantity(
        "t", "s", "step time when arithmetic and reads overlap, collectives do not", of="step_time"
    ),
    "no_overlap_step": Quantity(
        "t",
        "s",
        "step time when nothing overlaps",
        "step, if nothing did",
        json="no_overlap_step_time_s",
        of="step_time",
    ),
    "step_time": Quantity("t", "s", "time of one step", "step time", "step", phrase="the step time"),
    "step_time_alone": Quantity("t_1", "s", "time of one step for a lone user"),
    "utilization": Quantity("U", "share", "share of the peak arithmetic that is used", "utilization", "used"),
    "memory_bandwidth_utilization": Quantity(
        "U_m", "share", "share of the memory bandwidth that is used", "bandwidth utilization"
    ),
    "critical_batch": Quantity(
        "B*", "", "batch at which arithmetic takes as long as reading the weights", "critical batch", "B*"
    ),
    "matrix_time": Quantity("t_w", "s", "time of the matrices, arithmetic or reads"),
    "attention_time": Quantity("t_a", "s", "time of attention, arithmetic or reads"),
    "operator_time": Quantity("t_op", "s", "time of operators of one kind"),
    "sequences": Quantity("B_1", "", "sequences that a rank's group decodes"),
    "kernel_time": Quantity("t_k", "s", "time to start and drain one kernel"),
    "sparse_layers": Quantity("L_e", "", "layers with routed experts"),
    "kernels_per_layer": Quantity("k_d", "", "kernels of a dense layer"),
    "kernels_per_sparse_layer": Quantity("k_e", "", "kernels of a layer with routed experts"),
    "kernel_overhead": Quantity("t_l", "s", "time that one pass spends on starting kernels"),
    "step_overhead": Quantity("t_s", "s", "time of the scheduler in one pass"),
    "sequence_overhead": Quantity("t_1s", "s", "time of the scheduler and sampler for one sequence"),
    "ranks": Quantity("n_r", "", "ranks that share a layer"),
    "messages_per_day": Quantity("n_msg", "", "messages of each user a day"),
    "request_rate": Quantity("λ", "1/s", "requests a second", "requests a second", "requests/s", json="requests_per_s"),
    "interest": Quantity("i", "share", "interest a year"),
    "years": Quantity("y", "", "years until something is paid off"),
    "annuity": Quantity("a_y", "share", "share of a price that is paid each year"),
    "purchase_price": Quantity("$_buy", "USD", "price of one accelerator to own"),
    "pue": Quantity("PUE", "x", "power at the wall over power of the accelerators"),
    "power_price": Quantity("$_kWh", "USD", "price of a kWh"),
    "device_seconds_per_token": Quantity(
        "τ",
        "s",
        "seconds of one accelerator for a token",
        "device time per token",
        "device time",
        json="device_seconds_per_token",
        phrase="the device time of a token",
    ),
    "owned_price": Quantity("$_own", "USD/h", "price of an hour of an accelerator that is owned"),
    "paid_device_seconds": Quantity("τ_paid", "s", "seconds of one accelerator for a token, every hour paid"),
    "busy_device_seconds": Quantity("τ_busy", "s", "seconds of one accelerator for a token, busy hours only"),
    "cost": Quantity("$_1", "USD", "price of a million decoded tokens"),
    "offered": Quantity("a_q", "", "slots that a load would keep busy if there were always one free"),
    "headroom": Quantity("β_q", "", "roots of the offered load that are added to it"),
    "burstiness": Quantity("c_a", "", "coefficient of variation of the gaps between arrivals; 1 where they are random"),
    "peakedness": Quantity("z", "", "variance over mean of the slots that arrivals would hold"),
    "staffed_slots": Quantity("N_s", "", "slots that are provided"),
    "wait_probability": Quantity("P_w", "share", "share of requests that wait for a slot", "wait for a slot"),
    "free_slots": Quantity("N_free", "", "slots that the load leaves free on average"),
    "service_time": Quantity("t_slot", "s", "time that a request holds its slot"),
    "mean_wait": Quantity("W_q", "s", "mean time that a request waits for a slot", "wait"),
    "prompts": Quantity("n_p", "", "prompts, or parts of one, that ride along with a mean step"),
    "queries": Quantity("g_q", "", "query heads that share a KV head on one rank"),
    "cache_reads": Quantity("ν", "", "times that a step's attention reads the cache"),
    "cache_rereads": Quantity("ρ_q", "", "share of them that read it again rather than with the first"),
    "expert_imbalance": Quantity("ι", "", "how far the hottest rank exceeds the mean, in random deviations"),
    "hottest_rank": Quantity("x_hot", "x", "load of the hottest rank over the mean"),
    # communication
    "collectives": Quantity("q", "", "all-reduces in one pass"),
    "exchanges": Quantity("q_x", "", "all-to-alls in one pass"),
    "stages": Quantity("p", "", "pipeline stages"),
    "uneven_stages": Quantity("u_s", "", "time over that of stages with equal layers"),
    "microbatches": Quantity("m_b", "", "parts of a batch that flow through the stages"),
    "collective_latency": Quantity("α_0", "s", "time to start a collective"),
    "tree_all_reduce_time": Quantity("t_tree", "s", "time of one tree all-reduce"),
    "all_to_all_time": Quantity("t_aa", "s", "time of one all-to-all"),
    "hand_over_time": Quantity("t_pp", "s", "time that stages spend on sending to the next"),
    "message_bytes": Quantity("D", "B", "result of one all-reduce"),
    "activation_message": Quantity("D", "B", "result of one all-reduce", of="message_bytes"),
    "ring_all_reduce_time": Quantity("t_ring", "s", "time of one ring all-reduce"),
    "all_reduce_time": Quantity("t_ar", "s", "time of one all-reduce"),
    "scattered_message": Quantity("D_1", "B", "part of an all-reduce left to one rank of a node"),
    # one layer
    "heads": Quantity("n_q", "", "query heads of a layer"),
    "kv_heads": Quantity("n_kv", "", "KV heads of a layer"),
    "head_dim": Quantity("h", "", "width of a query and key head"),
    "v_head_dim": Quantity("h_v", "", "width of a value head"),
    "query_width": Quantity("d_q", "", "width that queries are projected from"),
    "query_rank": Quantity("r_q", "", "rank of the query latent"),
    "kv_rank": Quantity("r_kv", "", "rank of the key-value latent"),
    "nope_dim": Quantity("h_n", "", "part of a head without rotation"),
    "rope_dim": Quantity("h_r", "", "rotated part of a head"),
    "matrices": Quantity("n_ffn", "", "matrices of a feed-forward part"),
    "input_width": Quantity("d_in", "", "width that a feed-forward part sees"),
    "ffn_width": Quantity("d_ff", "", "width inside a feed-forward part"),
    "experts": Quantity("E", "", "routed experts of a layer"),
    "active_experts": Quantity("k", "", "routed experts that one token uses"),
    "tokens": Quantity("T", "token", "tokens in a step"),
    "context": Quantity("S", "token", "tokens of context of one sequence"),
    "window": Quantity("W_s", "token", "positions that a layer looks back"),
    "compress": Quantity("z_kv", "", "positions that one cache entry stands for"),
    "grouped_query_params": Quantity("N_att", "param", "attention matrices of one layer"),
    "latent_up_params": Quantity("N_up", "param", "latent attention's matrices split by heads"),
    "latent_down_params": Quantity("N_down", "param", "latent attention's down-projections"),
    "ffn_params": Quantity("N_ffn", "param", "feed-forward matrices of one layer"),
    "cache_elements": Quantity("e_kv", "", "cache elements of one position and layer"),
    "latent_cache_elements": Quantity("e_kv", "", "cache elements of one position and layer", of="cache_elements"),
    "attention_flops": Quantity("f_att", "FLOP", "attention per query and position, one layer"),
    "absorbed_attention_flops": Quantity("f_abs", "FLOP", "latent attention per query and position, one layer"),
    "experts_hit": Quantity("E_hit", "", "distinct experts that a step uses"),
    "head_elements": Quantity("e_h", "", "query and cache elements of one token and layer"),
    "ffn_elements": Quantity("e_f", "", "inner elements of the feed-forward part of one token and layer"),
    "activation_traffic": Quantity("b_act", "B", "bytes that one token's activations move outside matrices in a layer"),
    "cached": Quantity("T_c", "token", "tokens of a prompt that are cached already"),
    "attended_pairs": Quantity("n_qk", "", "pairs of a prompt's tokens and the positions they attend"),
    "cached_entries": Quantity("S_kv", "", "cache entries of one sequence and layer"),
    # memory of an engine
    "vocab_size": Quantity("V", "", "entries of the vocabulary"),
    "activation_floor": Quantity("A_0", "B", "least memory that an engine sets aside for activations"),
    "activation_per_vocab": Quantity("A_V", "B", "memory for activations per entry of the vocabulary: logits"),
    "activation_reserve": Quantity(
        "A",
        "B",
        "memory that an engine sets aside for activations",
        "activations per device",
        json="activation_bytes_per_gpu",
    ),
    "engine_overhead": Quantity(
        "A_e",
        "B",
        "memory of the engine itself: context, collectives, graphs",
        "engine per device",
        json="engine_bytes_per_gpu",
    ),
    "kv_pool": Quantity(
        "C_kv",
        "B",
        "memory left on one accelerator for KV cache",
        "left per device",
        "left",
        json="kv_pool_bytes_per_gpu",
        phrase="what is left of a device",
    ),
    "cache_per_sequence": Quantity("K_S", "B", "cache of one sequence on one accelerator"),
    "sequences_that_fit": Quantity("B_max", "", "sequences whose cache fits"),
    # serving and cost
    "served_cost": Quantity("$_all", "USD", "cost of a token when all replicas of a service are paid"),
    "total_tokens_per_s": Quantity("r_all", "token/s", "tokens decoded per second by all replicas"),
    "tokens_per_s": Quantity("r", "token/s", "tokens decoded per second, all users", "tokens/s", "tokens/s"),
    "tokens_per_s_per_user": Quantity(
        "r_user", "token/s", "tokens decoded per second for one user", "tokens/s per user", "tok/s/user"
    ),
    "tokens_per_s_per_gpu": Quantity(
        "r_1", "token/s", "tokens decoded per second on one accelerator", "tokens/s per device", "per device"
    ),
    "price": Quantity("$", "USD/h", "price of one accelerator-hour"),
    "usd_per_million_tokens": Quantity(
        "$_M",
        "USD",
        "price of a million decoded tokens",
        "USD per million tokens",
        "USD/M",
        phrase="the price of a million tokens",
    ),
    "usd_per_million_paid": Quantity(
        "$_M", "USD", "price of a million tokens, every hour paid", of="usd_per_million_tokens"
    ),
    "usd_per_month": Quantity("$_month", "USD", "price of all accelerators for an average month", "USD per month"),
    "joules_per_token": Quantity("J", "J", "energy of one decoded token", "energy per token (TDP)", "J/token"),
    "lone_user_cost_ratio": Quantity(
        "x_1", "x", "what a lone user pays for a token against a member of the batch", "a lone user pays", "lone user"
    ),
    "speed": Quantity("v", "token/s", "tokens decoded per second for one user"),
    "preference": Quantity("φ", "", "fourth power of a speed over its cost"),
    # requests
    "output_tokens": Quantity("O", "token", "tokens that a request decodes"),
    "chunk_tokens": Quantity("c_1", "token", "most tokens of prompts in one pass"),
    "prompt_passes": Quantity("n_c", "", "passes of one prompt"),
    "part_time": Quantity("t_part", "s", "time of one part through all stages"),
    "pipeline_utilization": Quantity("U_p", "share", "share of the time that a stage works"),
    "pipelined_time": Quantity("t_p", "s", "time of all parts through all stages"),
    "prefill_time": Quantity("t_pre", "s", "time of a prompt", "prefill time"),
    "waiting_time": Quantity("t_wait", "s", "time that a request waits for the running step"),
    "request_overhead": Quantity("t_r", "s", "time of one request outside the passes"),
    "ttft": Quantity(
        "TTFT", "s", "time to first token", "time to first token", "TTFT", phrase="the time to the first token"
    ),
    "tpot": Quantity("TPOT", "s", "time per output token", "time per output token", "TPOT"),
    "request_time": Quantity("t_req", "s", "time of a whole request", "request time"),
    "draft_tokens": Quantity("γ", "token", "tokens that a draft proposes"),
    "acceptance": Quantity("α_d", "share", "share of the draft's tokens that are accepted"),
    "draft_time": Quantity("t_d", "s", "time of one draft token"),
    "verification_time": Quantity("t_v", "s", "time of the pass that verifies a draft"),
    "speculative_tokens": Quantity("T_γ", "token", "tokens that one verification yields"),
    "speculative_tpot": Quantity("TPOT", "s", "time per output token with speculation", of="tpot"),
    "prompt_time": Quantity("t_i", "s", "time that one prompt adds to the steps it rides along with"),
    "shared_step": Quantity(
        "ITL", "s", "mean step when prompts ride along", "inter-token latency", "ITL", json="itl_s"
    ),
    "time_in_system": Quantity("t_sys", "s", "time that a request spends in the system"),
    "in_flight": Quantity("N_r", "", "requests being served at once", "requests in flight", "in flight"),
    "prefill_per_decode": Quantity(
        "x_p", "", "replicas that prefill for each that decodes", "prefill replicas per decode replica"
    ),
    "cache_transfer_time": Quantity(
        "t_kv", "s", "time to send a prompt's cache to another replica", "time to send a prompt's cache"
    ),
    # sums over layers, parts and tokens
    "even_layer_params": Quantity("N_L", "param", "parameters of one layer when all are alike"),
    "even_experts": Quantity("E", "", "experts of a layer of which a token uses one, for a bare count", of="experts"),
    "layers_of_kind": Quantity("L_i", "", "layers of each kind"),
    "split_params": Quantity("N_split", "param", "matrices of a layer that ranks split, by format"),
    "copied_params": Quantity("N_copy", "param", "what every rank holds of a layer, by format"),
    "expert_params": Quantity("N_x", "param", "one routed expert of a layer, by format"),
    "part_params": Quantity("N_part", "param", "parts of the model, by format"),
    "dense_params": Quantity("N_ff", "param", "dense feed-forward matrices of a layer"),
    "shared_params": Quantity("N_sh", "param", "matrices of a layer's shared experts"),
    "expert_matrices": Quantity("N_xm", "param", "matrices of one routed expert"),
    "params_of_block": Quantity("N_b", "param", "matrices of a block that is used again"),
    "kv_params": Quantity("N_kv", "param", "key and value matrices of a layer"),
    "table_params": Quantity("N_tab", "param", "input tables"),
    "head_params": Quantity("N_V", "param", "output head"),
    "norm_params": Quantity("N_0", "param", "norms outside the layers"),
    "reused_params": Quantity("N_again", "param", "matrices that a later layer multiplies again"),
    "table_bytes_per_param": Quantity("w_tab", "B/param", "bytes that store one parameter of the input tables"),
    "head_bytes_per_param": Quantity("w_V", "B/param", "bytes that store one parameter of the output head"),
    "norm_bytes_per_param": Quantity("w_0", "B/param", "bytes that store one parameter of a norm"),
    "ffn_bytes_per_param": Quantity("w_ffn", "B/param", "bytes that store one parameter of a feed-forward part"),
    "kv_bytes_per_param": Quantity("w_kv", "B/param", "bytes that store one parameter of the key and value matrices"),
    "split_weights": Quantity("M_s", "B", "matrices of a layer that ranks split"),
    "copied_weights": Quantity("M_r", "B", "what every rank holds of a layer"),
    "expert_weights": Quantity("M_x", "B", "one routed expert of a layer"),
    "kv_weights": Quantity("M_kv", "B", "key and value matrices of a layer"),
    "kv_copies": Quantity("x_kv", "x", "times that all ranks together hold a layer's KV heads"),
    "tensor_ranks": Quantity("n_t", "", "tensor parallel ranks"),
    "expert_ranks": Quantity("n_e", "", "expert parallel ranks"),
    "groups": Quantity("n_g", "", "data parallel groups"),
    "layer_dense_weights": Quantity("M_d", "B", "weights of one layer on one accelerator, routed experts apart"),
    "experts_on_rank": Quantity("E_1", "", "routed experts of one layer on one accelerator"),
    "expert_slices": Quantity(
        "E_1", "", "routed experts that slices of all of them on one accelerator add up to", of="experts_on_rank"
    ),
    "layer_weights": Quantity("M_i", "B", "weights of one layer on one accelerator"),
    "all_layer_weights": Quantity("M_L", "B", "weights of all layers, one accelerator of each stage"),
    "stage_layers": Quantity("L_s", "", "layers of the fullest stage"),
    "stage_weights": Quantity("M_p", "B", "layers' weights on one accelerator of the fullest stage"),
    "table_weights": Quantity("M_V", "B", "input table and output head on one accelerator"),
    "end_stage_weights": Quantity(
        "M_V", "B", "the larger of input table and output head on one accelerator", of="table_weights"
    ),
    "rank_weights": Quantity("M_1", "B", "weights on the fullest accelerator", of="weight_bytes_per_gpu"),
    "loaded_weights": Quantity("M", "B", "bytes of all weights that an engine loads", of="weight_bytes"),
    "compressed_entries": Quantity(
        "S_kv", "", "cache entries of one sequence in a layer that compresses its past", of="cached_entries"
    ),
    "attended": Quantity("S_top", "", "entries that a sparse indexer picks"),
    "attended_entries": Quantity("S_a", "", "cache entries that one query attends"),
    "index_elements": Quantity("e_ix", "", "elements of an indexer's keys of one position and layer"),
    "borrowed_elements": Quantity("e_b", "", "cache elements of an earlier layer that are read again"),
    "state_elements": Quantity("e_s", "", "elements of one layer's state"),
    "conv_elements": Quantity("e_c", "", "elements of one layer's convolution"),
    "state_element_bytes": Quantity("b_s", "B", "bytes of one element of a state"),
    "conv_element_bytes": Quantity("b_c", "B", "bytes of one element of a convolution's state"),
    "layer_cache": Quantity("K_i", "B", "cache of one sequence in one layer"),
    "rank_layer_cache": Quantity("K_r", "B", "cache of one sequence in one layer on one accelerator"),
    "layer_cache_read": Quantity("R_i", "B", "cache of one sequence that a step reads in one layer"),
    "rank_cache_read": Quantity("R_r", "B", "cache of one sequence that one accelerator reads in one layer"),
    "sequence_cache": Quantity("K", "B", "cache of one sequence in all layers"),
    "stage_cache": Quantity("K_p", "B", "cache of one sequence on one accelerator of the fullest stage"),
    "growing_elements": Quantity("e_g", "", "elements that each further token adds to one layer's cache"),
    "token_cache": Quantity("K_T", "B", "cache that each further token of a long sequence adds"),
    "rank_token_cache": Quantity("K_T1", "B", "cache that each further token adds on one accelerator"),
    "stage_token_cache": Quantity("K_Tp", "B", "cache that each further token adds on the fullest stage"),
    "group_sequences": Quantity("B_1", "", "sequences that one data parallel group holds", of="sequences"),
    "rank_cache": Quantity("K_B", "B", "cache of all sequences on the fullest accelerator"),
    "pool_left": Quantity("C_1", "B", "what the sequences leave of an accelerator's pool"),
    "dense_weights_read": Quantity("R_d", "B", "weights that a pass reads whatever the batch"),
    "expert_of_each_layer": Quantity("M_E", "B", "one routed expert of each layer"),
    "sequence_cache_read": Quantity("R_S", "B", "cache of one sequence that one accelerator reads in a step"),
    "cache_read": Quantity("R_kv", "B", "cache that all accelerators read in a pass"),
    "prompt_cache_read": Quantity("R_pre", "B", "cache that the prompts of a pass read"),
    "mixed_cache_read": Quantity("R_kv", "B", "cache that a pass reads for decoding and for prompts", of="cache_read"),
    "step_bytes": Quantity("R_t", "B", "weights and cache that one step reads"),
    "staged_step_bytes": Quantity(
        "R_t", "B", "weights and cache that a step reads, weights again for every part", of="step_bytes"
    ),
    "stage_batch": Quantity("B_p", "", "sequences that a pipeline stage works on at a time"),
    "matrix_params": Quantity(
        "N_m", "param", "parameters that every token multiplies with, neither head nor routed experts"
    ),
    "routed_params": Quantity("N_e", "param", "parameters of routed experts that one token uses"),
    "params_per_expert": Quantity("N_1", "param", "parameters of one routed expert"),
    "head_share": Quantity("s_V", "share", "share of a pass's tokens that need the output head"),
    "flops_of_own_group": Quantity(
        "f_g", "FLOP", "operations of the matrices for one token where a group works on a prompt alone"
    ),
    "idle_groups": Quantity("x_g", "x", "data parallel groups for each that has a prompt"),
    "prompt_tokens": Quantity("T_p", "token", "tokens of prompts in one pass"),
    "tokens_of_prompt": Quantity("T_1", "token", "tokens of each of the prompts in one pass"),
    "flops_with_prompts": Quantity("f_p", "FLOP", "operations for one token and its share of the prompts"),
    "cached_before_passes": Quantity("T_c", "token", "tokens of a prompt before those of one pass", of="cached"),
    "tokens_of_pass": Quantity("T_p", "token", "tokens of prompts in one of several passes", of="prompt_tokens"),
    "longest_context": Quantity(
        "S_max", "", "longest context at which all sequences fit", "longest context", json="longest_context"
    ),
    "even_expert_params": Quantity("N_a1", "param", "parameters of one expert of a bare count"),
    "multiplied_params": Quantity("N_mul", "param", "parameters that one token multiplies with, by part"),
    "format_peak_flops": Quantity("F_w", "FLOP/s", "arithmetic rate of one accelerator in the format of each part"),
    "mixed_peak_flops": Quantity("F", "FLOP/s", "arithmetic rate for matrices of several formats", of="peak_flops"),
    "served_tokens_per_s": Quantity("r", "token/s", "tokens that leave a replica in a second", of="tokens_per_s"),
    "verified_tokens": Quantity(
        "τ_B", "token", "tokens of each sequence in the pass that verifies a draft", of="tokens_each"
    ),
    "draft_share": Quantity("s_d", "share", "time of a draft token over that of a step"),
    "shared_draft_time": Quantity("t_d", "s", "time of one draft token", of="draft_time"),
    "speculative_step": Quantity("t_spec", "s", "time of a step of drafting and verification"),
    "cache_on_all": Quantity("K_n", "B", "cache of one prompt on all devices of a replica"),
    "sent_prefill_time": Quantity("t_pre", "s", "time of a prompt until its cache is sent", of="prefill_time"),
    "index_flops": Quantity("f_ix", "FLOP", "operations of an indexer for one query and position"),
    "state_flops": Quantity("c_s", "FLOP", "operations for one element of a state: decay, update, read-out"),
    "layer_attention_flops": Quantity("f_i", "FLOP", "attention of one token over its context in one layer"),
    "attention_flops_per_token": Quantity("f_a", "FLOP", "attention of one token over its context"),
    "causal_pairs": Quantity("n_c0", "", "pairs of a prompt's tokens and all positions before them"),
    "window_pairs": Quantity("n_w", "", "pairs of a prompt's tokens and the positions in their window"),
    "past_pairs": Quantity("n_z", "", "pairs of a prompt's tokens and positions of a compressed past"),
    "compressed_pairs": Quantity(
        "n_qk", "", "pairs of a prompt's tokens and the entries they attend", of="attended_pairs"
    ),
    "layer_prompt_flops": Quantity("f_Ti", "FLOP", "attention of a prompt's tokens in one layer"),
    "prompt_attention_flops": Quantity("f_T", "FLOP", "attention of a prompt's tokens"),
    "prompt_flops": Quantity("f_pre", "FLOP", "operations of a prompt"),
    "pass_tokens": Quantity("T", "token", "tokens that one pass takes through the matrices", of="tokens"),
    "tokens_each": Quantity("τ_B", "token", "tokens of each sequence in one pass"),
    "pass_heads": Quantity("T_V", "token", "tokens of a pass that need the output head"),
    "group_tokens": Quantity("T_g", "token", "tokens of a pass that one data parallel group works on"),
    "attention_peak_flops": Quantity("F_a", "FLOP/s", "arithmetic rate of one accelerator for attention"),
    "attention_share": Quantity("η_a", "share", "share of that rate that attention reaches"),
    "cache_share": Quantity("η_k", "share", "share of memory bandwidth that reads of the cache reach"),
    "attention_compute_time": Quantity("t_ac", "s", "time of attention's arithmetic"),
    "prompt_attention_time": Quantity("t_ap", "s", "time of the arithmetic of prompts' attention"),
    "mixed_attention_time": Quantity(
        "t_ac", "s", "time of attention's arithmetic for decoding and for prompts", of="attention_compute_time"
    ),
    "cache_time": Quantity("t_ak", "s", "time to read a step's cache once"),
    "token_activations": Quantity("b_T", "B", "bytes that one token's activations move outside matrices, all layers"),
    "traffic_share": Quantity("η_t", "share", "share of that traffic that a stack's kernels do not save"),
    "activation_time": Quantity("t_act", "s", "time to move activations outside matrices"),
    "exchanging_layers": Quantity("L_x", "", "layers whose experts are spread over data parallel groups"),
    "dispatch_bits": Quantity("b_out", "", "bits of a value that is sent to its experts"),
    "combine_bits": Quantity("b_back", "", "bits of a value that comes back"),
    "wide_bits": Quantity("b_16", "", "bits of a value that is all-reduced"),
    "exchange_message": Quantity("D_x", "B", "what one rank sends in a mean all-to-all"),
    "hand_over_message": Quantity("D_p", "B", "what one rank sends to the next stage"),
    "network_all_reduce_time": Quantity("t_net", "s", "time of one all-reduce between nodes"),
    "two_level_all_reduce_time": Quantity(
        "t_ar", "s", "time of one all-reduce inside nodes and between them", of="all_reduce_time"
    ),
    "input_tokens": Quantity("T_in", "token", "tokens of a prompt"),
    "mean_context": Quantity("S", "token", "mean context of a request while it is decoded", of="context"),
    "decoded_tokens": Quantity("O_d", "token", "tokens of an answer that are decoded one by one"),
    "prefix_share": Quantity("s_p", "share", "share of a prompt that is cached"),
    "cached_tokens": Quantity("T_c", "token", "tokens of a prompt that are cached already", of="cached"),
    "cached_before": Quantity("T_c", "token", "tokens of a prompt before those of one pass", of="cached"),
    "new_tokens": Quantity("T_new", "token", "tokens of a prompt that are computed"),
    "prompts_of_pass": Quantity("n_1", "", "prompts, or the part of one, in one pass"),
    "prompts_per_step": Quantity("n_0", "", "prompts that begin in a mean step"),
    "prompt_parts": Quantity("n_p", "", "prompts, or parts of one, that ride along with a mean step", of="prompts"),
    "riding_step": Quantity("t_ride", "s", "time of a step that a prompt, or a part of one, rides along with"),
    "prompt_steps_time": Quantity("t_along", "s", "time of all the steps that one prompt rides along with"),
    "prompt_extra": Quantity("t_i", "s", "time that a prompt adds to a step it rides along with", of="prompt_time"),
    "served_rate": Quantity("λ", "1/s", "requests a second that keep so many decoding", of="request_rate"),
    "mean_decoding": Quantity("N_d", "", "sequences that decode, mean over all the time"),
    "busy_batch": Quantity("B", "", "sequences that decode together while any does", of="batch"),
    "mean_batch": Quantity("N_d", "", "sequences that decode, mean over all the time", of="mean_decoding"),
    "steps_waited": Quantity("n_wait", "", "steps that a new request waits for"),
    "concurrent_requests": Quantity("N_c", "", "requests that are always there"),
    "queue_time": Quantity("t_q", "s", "time that a request waits for room in a step"),
    "fullest_batch": Quantity("B_full", "", "batch that its prompts keep full"),
    "even_part": Quantity("t_e", "s", "time of one part of a step whose stages have equal layers"),
    "uneven_part": Quantity("t_u", "s", "time of one part of a step at the pace of the fullest stage"),
    "pass_time": Quantity("t_1p", "s", "time of one pass of prompts"),
    "passes_time": Quantity("t_n", "s", "time of all passes of prompts"),
    "staged_prompts_time": Quantity("t_pre", "s", "time of prompts that fill all stages at once", of="prefill_time"),
    # the hours of a day
    "slots_for_peak": Quantity("slots", "", "sequences to provide for", of="slots"),
    "offered_requests": Quantity("a_q", "", "slots that the requests of an hour would keep busy", of="offered"),
    "offered_streams": Quantity("a_q", "", "slots that the streams of an hour keep busy", of="offered"),
    "users_a_replica": Quantity("U_1", "", "daily users whose busiest hour fills one replica"),
    "endless_replicas": Quantity("G_∞", "", "replicas of a service to which one more changes nothing"),
    "endless_users": Quantity("U_d", "", "daily users of a service that is as cheap as it gets", of="users"),
    "hour_load": Quantity("ℓ", "x", "load of an hour over the day's mean"),
    "user_request_rate": Quantity("λ_u", "1/s", "requests a second of one user, day's mean"),
    "user_concurrent": Quantity("Q_u", "", "sequences of one user being decoded at once, day's mean"),
    "hour_request_rate": Quantity("λ_h", "1/s", "requests a second on one replica in one hour"),
    "most_batch": Quantity("B_top", "", "largest batch of a replica"),
    "held_decoding": Quantity("N_h", "", "sequences that decode on one replica in one hour, none beyond its slots"),
    "full_busy_share": Quantity("b_t", "share", "share of the time that anything decodes", of="busy_share"),
    "at_once": Quantity("q_1", "", "sequences of one user that decode at once in one hour"),
    "stream_decoding": Quantity("N_h", "", "sequences that decode on one replica in one hour", of="held_decoding"),
    "stream_busy_share": Quantity("b_t", "share", "share of the time that anything decodes", of="busy_share"),
    "hour_requests": Quantity("λ_a", "1/s", "requests a second that one replica answers in one hour"),
    "hour_answered": Quantity("λ_i", "1/s", "requests a second that one replica answers in each hour"),
    "first_tokens": Quantity("λ_1", "1/s", "tokens a second that come with their prompts"),
    "hour_tokens_per_s": Quantity("r_h", "token/s", "tokens that leave one replica in a second of one hour"),
    "hour_tokens": Quantity("r_i", "token/s", "tokens that leave one replica in a second of each hour"),
    "prompt_time_share": Quantity("s_pr", "share", "share of the time that prompts take", of="prompt_share"),
    "prompt_share": Quantity("s_pr", "share", "share of the time that prompts take"),
    "hour_prompt_share": Quantity("s_i", "share", "share of the time that prompts take in each hour"),
    "hour_decoded": Quantity("v_h", "token/s", "tokens that one replica decodes in a second of one hour"),
    "bytes_of_hour": Quantity("R_j", "B", "bytes that all replicas read in a second of each hour"),
    "hours_alike": Quantity("h_i", "", "hours of a day that are alike"),
    "hours": Quantity("h_d", "", "hours of the day, or of the week"),
    "replicas_of_hour": Quantity("G_i", "", "replicas in each hour"),
    "hour_busy_share": Quantity("b_i", "share", "share of each hour in which anything decodes"),
    "hour_decoding": Quantity("N_i", "", "sequences that decode on one replica in each hour"),
    "replicas_paid": Quantity("G_paid", "", "replicas that are paid for, mean over the day"),
    "replicas_busy": Quantity("G_busy", "", "replicas on which anything decodes, mean over the day"),
    "day_concurrent": Quantity("Q_d", "", "sequences that decode at once, mean over the day"),
    "day_tokens_per_s": Quantity(
        "r", "token/s", "tokens that leave all replicas in a second, mean over the day", of="tokens_per_s"
    ),
    "day_requests": Quantity("λ_d", "1/s", "requests that all replicas answer in a second, mean over the day"),
    "hour_steps": Quantity("v_i", "token/s", "tokens that one replica decodes in a second of each hour"),
    "day_itl": Quantity("ITL_d", "s", "time between tokens, mean over all of a day"),
    "day_prompt_share": Quantity("s_pr", "share", "share of the busy time that prompts take", of="prompt_share"),
    "full_tokens_per_s": Quantity(
        "r", "token/s", "tokens that leave a replica whose slots are all taken", of="tokens_per_s"
    ),
    "service_flops": Quantity("f_s", "FLOP", "operations that a service needs in a mean second"),
    "service_utilization": Quantity(
        "U", "share", "share of the arithmetic that is used, every hour paid", of="utilization"
    ),
    "hour_bytes": Quantity("R_h", "B", "bytes that all replicas read in a second of one hour"),
    "day_bytes": Quantity("R_day", "B", "bytes that all replicas read in a mean second"),
    "service_bandwidth_utilization": Quantity(
        "U_m", "share", "share of the bandwidth that is used, every hour paid", of="memory_bandwidth_utilization"
    ),
    "read_per_token": Quantity("x_in", "x", "tokens of prompts for each token that comes out"),
    # users
    "concurrent_users": Quantity("Q", "", "sequences being decoded at once, day's mean", "sequences decoding"),
    "users": Quantity("U_d", "", "users who come on a day", "daily users", "users"),
    "minutes_per_day": Quantity("m_d", "min/day", "minutes of use per user and day", "minutes per user"),
    "decoding_share": Quantity(
        "s", "share", "share of a user's minutes in which tokens are decoded", "of those decoding"
    ),
    "trough_to_mean": Quantity("ρ", "", "load of the emptiest hour over the day's mean"),
    "peak_to_mean": Quantity("π", "", "load of the busiest hour over the day's mean"),
    "users_at_trough": Quantity(
        "U_ρ", "", "users who keep the concurrency in the emptiest hour", "users, emptiest hour full"
    ),
    "trough_concurrent": Quantity("Q_ρ", "", "sequences being decoded in the emptiest hour", "decoding, emptiest hour"),
    "peak_concurrent": Quantity("Q_π", "", "sequences being decoded in the busiest hour", "decoding, busiest hour"),
    "people_online": Quantity("U_on", "", "people with the app open, day's mean", "people with the app open"),
    "target_users": Quantity("U_t", "", "users to compare with"),
    "trough_for_users": Quantity(
        "ρ_t",
        "",
        "trough over mean at which this many users fill the emptiest hour",
        "trough/mean for 1M users",
        json="trough_to_mean_for_million_users",
    ),
    "replicas": Quantity("G", "", "copies of the model that serve", "replicas", "replicas"),
    "slots": Quantity("slots", "", "sequences to provide for", "sequences to provide for"),
    # the law erdil-2025
    "cache_element_bytes": Quantity("b_kv", "B", "bytes of one cache element"),
    "sparsity": Quantity("ς", "", "experts for each that a token uses, rounded down"),
    "later_active_params": Quantity("N_a'", "param", "parameters that the later paper multiplies for one token"),
    "cache_bytes": Quantity("K_1", "B", "cache of one sequence in all layers"),
    "head_bytes": Quantity("R_V", "B", "weights of the output head"),
    "later_flops_per_token": Quantity("f'", "FLOP", "operations for one token over its context"),
    "later_layout": Quantity("layout", "", "devices that split each layer, and pipeline stages"),
    "row_parts": Quantity("p_r", "", "devices that the inner widths of a layer are split over"),
    "column_parts": Quantity("p_c", "", "devices that the model's width is split over"),
    "attention_activations": Quantity("A_att", "B", "activations of one layer's attention, moved once"),
    "ffn_activations": Quantity("A_ffn", "B", "activations of one matrix of an expert, moved once"),
    "ffn_traffic": Quantity("R_ffn", "B", "weights and activations of one layer's feed-forward part, moved once"),
    "layer_traffic": Quantity("R_1", "B", "weights and activations of one layer, moved once"),
    "later_bytes_read": Quantity("R'", "B", "bytes that one step moves to and from memory, on all devices"),
    "passes": Quantity("q_p", "", "times that a collective goes over the data: 2 to reduce, 1 to hand over"),
    "group": Quantity("n_x", "", "devices that take part in one collective"),
    "group_nodes": Quantity("k_x", "", "nodes that the devices of one collective lie in"),
    "rank_latency": Quantity("α_r", "s", "latency for each further device inside a node"),
    "node_latency": Quantity("α_k", "s", "latency for each doubling of the nodes"),
    "base_latency": Quantity("α_b", "s", "latency of a collective before the first device"),
    "protocol": Quantity("protocol", "", "protocol of one collective"),
    "protocol_latency": Quantity("t_α", "s", "latency of one collective under a protocol"),
    "protocol_share": Quantity("η_p", "share", "share of the bandwidth that a protocol leaves to data"),
    "network_bandwidth": Quantity("β_k", "B/s", "network of one accelerator, one direction"),
    "collective_transfer_time": Quantity("t_β", "s", "time of one collective's data under a protocol"),
    "reduced_width": Quantity("d_x", "", "values of one token that a collective reduces"),
    "parallel_reduces": Quantity("g_x", "", "collectives side by side that share the values"),
    "reduced_message": Quantity("D", "B", "data of one collective", of="message_bytes"),
    "layer_reduce_time": Quantity("t_1x", "s", "time of all all-reduces of one layer"),
    "stage_hand_over_time": Quantity("t_h", "s", "time to hand activations to the next stage"),
    "later_communication_time": Quantity("t_x'", "s", "time of all collectives of one step"),
    "serial_matmuls": Quantity("n_mm", "", "matrix multiplications of a layer that wait for each other"),
    "kernel_launch": Quantity("t_kl", "s", "time to launch one kernel"),
    "launch_time": Quantity("t_launch", "s", "time to launch the kernels of one step"),
    # figures: fit
    "gpus": figure("devices", "", "devices", phrase="the number of devices"),
    "fits": figure("fits", "", "fits"),
    "vision_params": Quantity("N_vis", "param", "parameters of the vision tower", "vision parameters"),
    "mtp_params": figure("MTP parameters", "param"),
    "shortfall_bytes": figure("short by", "B", "short by", phrase="what is missing"),
    "kv_bytes_per_token": figure("KV cache per token", "B"),
    "kv_bytes_per_sequence": figure("KV cache per sequence", "B", "cache"),
    "kv_pool_tokens": figure("KV cache holds tokens", "", "tokens"),
    "max_sequences": figure("sequences that fit", "", "sequences", phrase="the number of sequences that fit"),
    "tp": figure("tensor parallel", "", "tp"),
    "pp": figure("pipeline stages", "", "pp"),
    "ep": figure("expert parallel", "", "ep"),
    "dp": figure("data parallel groups"),
    # figures: one step
    "bound_step_time": figure("bound on the step time", "s", "bound"),
    "bound": figure("what binds", "", "binds"),
    # figures: sweeps
    "knee_batch": figure("first batch at the knee"),
    "max_batch": figure("largest batch that fits"),
    "experts_hit_share": figure("experts read", "share", "experts"),
    "cost_ratio": figure("cost of a token against the cheapest row", "x", "cost"),
    # figures: users
    "mean_concurrent": figure("decoding, mean"),
    "max_tpot": figure("longest time between tokens", "s", json="max_tpot"),
    "max_ttft": figure("longest time to the first token", "s", json="max_ttft"),
    "max_wait_probability": figure("may wait for a slot", "share"),
    "api_price": figure("price of an API", "USD"),
    "headroom_share": figure("queue headroom", "share"),
    "hour": figure("hour", "", "hour"),
    "load": figure("load over the mean", "x", "load"),
    "users_capacity": figure("users at most"),
    "idle_share": figure("idle", "share"),
    "unused_share": figure("free slots", "share"),
    "usd_per_hour": figure("USD per hour", "USD"),
    "usd_per_user_month": figure("USD per user and month", "USD"),
    "busy_share": Quantity("b_t", "share", "share of the time that anything decodes", "busy", "busy"),
    "usd_per_million_tokens_busy": Quantity(
        "$_busy", "USD", "price of a million tokens, busy hours only", "USD per million tokens, busy hours", "if busy"
    ),
    "usd_per_million_tokens_output": Quantity(
        "$_out", "USD", "price of a million tokens without their prompts", "USD per million, output"
    ),
    "usd_per_million_tokens_input": Quantity(
        "$_in", "USD", "price of a million prompt tokens", "USD per million, input"
    ),
    "usd_per_million_tokens_blended": Quantity(
        "$_mix", "USD", "price of a million tokens of prompts and answers", "USD per million, blended"
    ),
    "lone_user_reserved_cost_ratio": figure("with every hour paid", "x"),
    "batch_limit": figure("largest batch", "", "batch"),
    "gpus_per_replica": figure("devices per replica", "", "replica of"),
    "users_per_replica": figure("users per full replica", "", "a replica"),
    "users_within_2x": figure(
        "users within 2x of the floor", "", "within 2x", phrase="the number of users within 2x of it"
    ),
    "users_within_10_percent": figure("users within 10% of it"),
    "floor_usd_per_million_tokens": figure(
        "floor, USD per million", "USD", "floor", phrase="the floor of a million tokens"
    ),
    "floor_device_seconds": figure(
        "floor, device time",
        "s",
        "floor",
        json="floor_device_seconds",
        phrase="the device time of a token with endless users",
    ),
    "users_at_api_price": figure("users at the API's price"),
    # figures: an input that is changed a little
    "low": figure("changed down to", "", "low"),
    "high": figure("changed up to", "", "high"),
    # figures: frontier
    "configurations": figure("configurations"),
    "layouts": figure("layouts"),
    "layouts_excluded": figure("of them too small"),
    "fastest_tokens_per_s_per_user": figure("fastest, tokens/s per user"),
    "knee_tokens_per_s_per_user": figure("knee, tokens/s per user"),
    "knee_usd_per_million_tokens": figure("knee, USD per million tokens", "USD"),
    "least_usd_per_million_tokens": figure("cheapest, USD per million", "USD"),
    "total_gpus": figure("devices of all replicas", "", "devices"),
    "usd_per_million_tokens_all_in": figure("USD per million tokens, all paid", "USD", "all paid"),
    "device_seconds_per_token_all_in": figure(
        "device time per token, all paid", "s", "all paid", json="device_seconds_per_token_all_in"
    ),
    "shard": figure("piece"),
    "flags": figure("flags", "", "flags"),
    "max_gpus": figure("most devices"),
    "min_tokens_per_s": figure("tokens/s at least"),
    # figures: comparison and presets
    "name": figure("name", "", "name"),
    "released": figure("released", "month", "date"),
    "memory_bytes": figure("memory", "B", "mem."),
    "attention": figure("attention", "", "attention"),
    "heads_and_width": figure("heads/KV heads x width", "", "heads/KV x width", json="heads"),
    "cache_elements_in_all": figure("cache elements per token", "", "cache/token", json="cache_elements"),
    "ffn": figure("feed-forward", "", "feed-forward"),
    "flops_per_token_full": figure("arithmetic per token", "FLOP"),
    "prefill_flops": figure("arithmetic of a prompt", "FLOP"),
    "max_context": figure("longest context"),
    "rate": figure("computes at", "", "at"),
    "weak": figure("weak figures", "", "weak"),
    "family": figure("family", "", "family"),
    "title": figure("title", "", "title"),
    "key": figure("figure", "", "figure"),
    "value": figure("value", "", "value"),
    "unit": figure("unit", "", "unit"),
    "source": figure("source", "", "source"),
    "date": figure("date", "", "date"),
    "shown": figure("value", "", "value"),
    "path": figure("path", "", "path"),
    "aliases": figure("other names", "", "other names"),
    # figures: requests
    "stable": figure("keeps up with the load", "", "keeps up"),
    # figures: measurements
    "label": figure("measured by", "", "measured by"),
    "id": figure("id", "", "id"),
    "metric": figure("metric", "", "metric"),
    "predicted": figure("predicted", "", "predicted"),
    "measured": figure("measured", "", "measured"),
    "ratio": figure("predicted over measured", "", "ratio"),
    "efficiency": figure("profile", "", "profile"),
    "count": figure("measurements", "", "rows"),
    "median_abs_error": figure("median error", "share", "median"),
    "p90_abs_error": figure("90th percentile", "share", "90%"),
    "stack_median_abs_error": figure("median error, own stack", "share", "own"),
    "stack_p90_abs_error": figure("90th percentile, own stack", "share", "90%"),
    "bias": figure("median predicted over measured time", "x", "time"),
    "below_bound_count": figure("faster than the bound", "", "beat"),
    "skipped_count": figure("left out"),
    # figures: a fitted profile
    "median_abs_error_before": figure("median error before", "share"),
    "p90_abs_error_before": figure("90th percentile before", "share"),
    "determined_count": figure("constants fitted"),
    "undetermined_count": figure("constants left as they were"),
    "constant": figure("constant", "", "constant"),
    "before": figure("before", "", "before"),
    "after": figure("after", "", "after"),
    "range": figure("plausible range", "", "plausible"),
    "determined": figure("determined", "", "fitted"),
    "remark": figure("remark", "", "remark"),
}


class Constant(NamedTuple):
    """A number that formulas take as an input and nobody gives: the same for every model and stack."""

    value: float
    source: str


CONSTANTS: dict[str, Constant] = {
    "endless_replicas": Constant(1e6, "so many replicas that one more changes no digit that is printed"),
    "target_users": Constant(1e6, "a million users, as the note asks"),
    "flops_per_param": Constant(2, "one multiply and one add for each parameter and token"),
    "state_flops": Constant(
        6, "decay, rank-one update and read-out of a state, two each (Yang et al., Gated Delta Networks, 2412.06464)"
    ),
    "conv_element_bytes": Constant(2, "engines keep the last inputs of a short convolution in 16 bits (vLLM, SGLang)"),
    "dispatch_bits": Constant(8, "tokens go to their experts in 8 bits (DeepSeek-V3 Technical Report, DeepEP)"),
    "combine_bits": Constant(16, "results of experts come back in 16 bits (the same)"),
    "wide_bits": Constant(16, "activations between layers are of 16 bits"),
}


def unit_of(name: str, otherwise: str = "") -> str:
    """The base unit of a quantity by its name in code, or another one for what is no quantity."""
    return QUANTITIES[name].unit if name in QUANTITIES else otherwise


def _json_name(name: str, quantity: Quantity) -> str:
    return quantity.json or (f"{name}_s" if quantity.unit == "s" else name)


def _key(quantity: Quantity) -> Key:
    unit = "" if quantity.unit in COUNTED else quantity.unit
    return Key(quantity.label, unit, quantity.head, quantity.phrase or quantity.label)


#: Quantities of formulas by their name in code, and those of answers by their name in JSON.
TERMS = {name: quantity for name, quantity in QUANTITIES.items() if quantity.symbol}
KEYS = {_json_name(name, quantity): _key(quantity) for name, quantity in QUANTITIES.items() if quantity.label}
#: Figures whose change with each input is an answer: d ln(figure) / d ln(input).
_ELASTIC = (
    *("usd_per_million_tokens", "device_seconds_per_token", "step_time_s", "ttft_s", "utilization"),
    *("tokens_per_s_per_user", "tokens_per_s_per_gpu", "floor_usd_per_million_tokens", "floor_device_seconds"),
    *("users_within_2x", "users_per_replica", "lone_user_cost_ratio"),
    *("shortfall_bytes", "kv_pool_bytes_per_gpu", "kv_pool_tokens", "weight_bytes_per_gpu", "kv_bytes_per_sequence"),
)
KEYS |= {f"elasticity_{key}": Key(f"elasticity of {KEYS[key].label}", "", KEYS[key].head) for key in _ELASTIC}
