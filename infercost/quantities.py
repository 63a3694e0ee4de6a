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
    "usd_per_million_of_share": Quantity("$_s", "USD", "price of a million tokens that take a share of the time"),
    "share": Quantity("s_t", "share", "share of the accelerators' time"),
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
    "vision_params": figure("vision parameters", "param"),
    "mtp_params": figure("MTP parameters", "param"),
    "shortfall_bytes": figure("short by", "B", "short by", phrase="what is missing"),
    "kv_bytes_per_token": figure("KV cache per token", "B"),
    "kv_bytes_per_sequence": figure("KV cache per sequence", "B", "cache"),
    "kv_pool_tokens": figure("KV cache holds tokens", "", "tokens"),
    "max_sequences": figure("sequences that fit", "", "sequences", phrase="the number of sequences that fit"),
    "longest_context": figure("longest context"),
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
    "busy_share": figure("busy", "share", "busy"),
    "usd_per_million_tokens_busy": figure("USD per million tokens, busy hours", "USD", "if busy"),
    "usd_per_million_tokens_output": figure("USD per million, output", "USD"),
    "usd_per_million_tokens_input": figure("USD per million, input", "USD"),
    "usd_per_million_tokens_blended": figure("USD per million, blended", "USD"),
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
