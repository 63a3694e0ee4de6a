"""One request: its prompt, its first token, its other tokens; and how requests share a replica."""

from infercost.formulas.formula import LITTLE, formula, gone
from infercost.numeric import ceiling, floor, last_that, maximum, minimum

BOOK = "Austin et al., How to Scale Your Model (2025), inference chapter"
LEVIATHAN = "Leviathan et al., Fast inference from transformers via speculative decoding, arXiv 2211.17192, eq. 1"
#: Each token of a draft is accepted less often than this.
NEAR_ONE = 1 - 1e-9


@formula(source="derived: an answer grows by a token a step, so on average half of it is there")
def mean_context(*, input_tokens: float, output_tokens: float) -> float:
    """Mean context of a request while it is decoded: its prompt and half of its answer."""
    return input_tokens + output_tokens / 2


@formula(source="the first token of an answer comes with the prompt")
def decoded_tokens(*, output_tokens: float) -> float:
    """Tokens of an answer that are decoded one by one."""
    return maximum(output_tokens - 1, 1)


@formula(source="Zheng et al., SGLang, arXiv 2312.07104: shared prefixes are cached; the last token is always computed")
def cached_tokens(*, input_tokens: float, prefix_share: float) -> float:
    """Tokens of a prompt whose cache is there already."""
    return minimum(input_tokens * prefix_share, maximum(input_tokens - 1, 0))


@formula(source="docs.vllm.ai, Automatic Prefix Caching: what all requests begin with is found in the cache")
def shared_share(*, shared_prefix: float, input_tokens: float) -> float:
    """Share of a prompt that is the start of all of them."""
    return shared_prefix / input_tokens


@formula(source="a prompt less what is cached")
def new_tokens(*, input_tokens: float, cached: float) -> float:
    """Tokens of a prompt that are computed."""
    return maximum(input_tokens - cached, 1)


@formula(source="of passes that share prompts evenly, each has its part")
def prompts_of_pass(*, prompts: float, prompt_passes: float) -> float:
    """Prompts that one of several passes works on, or the part of one."""
    return prompts / prompt_passes


@formula(source="each prompt's tokens that are not cached")
def prompt_tokens(*, new_tokens: float, prompts: float) -> float:
    """Tokens of prompts in one pass."""
    return prompts * new_tokens


@formula(source="on average half of a prompt lies before its chunk")
def cached_before(*, cached: float, new_tokens: float, prompts: float) -> float:
    """Tokens of a prompt that lie before those of one pass."""
    return cached + new_tokens / 2 * (1 - minimum(prompts, 1))


@formula(source="on average half of a prompt lies before its chunk")
def cached_before_passes(*, cached: float, new_tokens: float, prompt_passes: float) -> float:
    """Tokens of a prompt that lie before those of a mean pass, of several that work on prompts."""
    return cached + new_tokens / 2 * (1 - 1 / prompt_passes)


@formula(source="of passes that share prompts evenly, each has its part")
def tokens_of_pass(*, tokens: float, prompt_passes: float) -> float:
    """Tokens of prompts in one of several passes."""
    return tokens / prompt_passes


@formula(source=LITTLE)
def prompts_per_step(*, batch: float, decoded_tokens: float, stages: float) -> float:
    """Prompts that begin in a step so that the batch stays what it is."""
    return batch / decoded_tokens / stages


@formula(source="a prompt has a part in as many steps as it has chunks")
def prompt_parts(*, prompts_per_step: float, prompt_passes: float) -> float:
    """Prompts, or chunks of one, that ride along with a mean step."""
    return prompts_per_step * prompt_passes


@formula(source="kernels of many rows may beat those of few: a prompt is taken to gain nothing by others beside it")
def riding_step(*, mixed_pass_time: float, pass_time: float) -> float:
    """Seconds of a step that prompts ride along with, never less than they take alone."""
    return maximum(mixed_pass_time, pass_time)


@formula(source="one step for each chunk")
def prompt_steps_time(*, riding_step: float, prompt_passes: float) -> float:
    """Seconds of all the steps that one prompt rides along with."""
    return prompt_passes * riding_step


@formula(source="what a step takes longer with a prompt than without")
def prompt_extra(*, prompt_steps_time: float, prompt_passes: float, step_time: float) -> float:
    """Seconds that a prompt, or a chunk of one, adds to the step it rides along with."""
    return prompt_steps_time / prompt_passes - step_time


@formula(source="who decodes meanwhile waits for the step with the prompt; where prompts run alone, for it and a step")
def prompt_itl(*, riding_step: float, step_time: float) -> float:
    """Seconds between two tokens with a prompt, or a chunk of one, between them; ``step_time`` is 0 where it rides."""
    return riding_step + step_time


@formula(source="a pass takes a full chunk while a prompt has as much")
def full_pass_share(*, chunk_tokens: float, new_tokens: float) -> float:
    """Share of a prompt in the fullest of its passes."""
    return minimum(chunk_tokens / new_tokens, 1)


@formula(source=LITTLE)
def served_rate(*, busy_share: float, batch: float, decoded_tokens: float, shared_step: float) -> float:
    """Requests a second that keep so many sequences decoding."""
    return busy_share * batch / (decoded_tokens * shared_step)


@formula(source="an M/G/infinity queue is empty a share e^-N of the time where N are in it on average")
def busy_share(*, mean_decoding: float) -> float:
    """Share of the time that anything decodes where arrivals know nothing of each other."""
    return gone(mean_decoding)


@formula(source="mean over the time that anything decodes")
def busy_batch(*, mean_decoding: float, busy_share: float) -> float:
    """Sequences that decode together while any does."""
    return mean_decoding / busy_share


@formula(source="mean over all the time")
def mean_batch(*, busy_share: float, batch: float) -> float:
    """Sequences that decode on average."""
    return busy_share * batch


@formula(source="a new request waits for the steps that are under way or lined up")
def waiting_time(*, steps_waited: float, shared_step: float) -> float:
    """Seconds that a request waits for the running step."""
    return steps_waited * shared_step


@formula(source=LITTLE)
def queue_time(*, concurrent_requests: float, request_rate: float, request_time: float) -> float:
    """Seconds that each of so many requests waits for room in a step."""
    return maximum(concurrent_requests / request_rate - request_time, 0)


@formula(source=LITTLE)
def fullest_batch(*, chunk_tokens: float, stages: float, new_tokens: float, decoded_tokens: float) -> float:
    """Batch that its prompts keep full when each step has a whole chunk of them."""
    return chunk_tokens * stages / new_tokens * decoded_tokens


@formula(source="Huang et al., GPipe, arXiv 1811.06965: stages take turns on equal parts of a batch")
def stage_batch(*, batch: float, stages: float) -> float:
    """Sequences that a pipeline stage works on at a time."""
    return 1.0 * ceiling(batch / stages)


@formula(source="Huang et al., GPipe, arXiv 1811.06965: a pipeline goes at the pace of its slowest stage")
def uneven_part(*, even_part: float, uneven_stages: float) -> float:
    """Seconds of one part of a step whose fullest stage has more layers than others."""
    return even_part * uneven_stages


@formula(source="passes one after another")
def passes_time(*, pass_time: float, prompt_passes: float) -> float:
    """Seconds of all passes of prompts."""
    return prompt_passes * pass_time


@formula(source="stages work at once where everything overlaps")
def staged_prompts_time(*, passes_time: float, stages: float) -> float:
    """Seconds of prompts that fill all stages at once."""
    return passes_time / stages


@formula(source="Agrawal et al., Sarathi-Serve, arXiv 2403.02310: a prompt is cut into chunks of so many tokens")
def prompt_passes(*, tokens: float, chunk_tokens: float) -> int:
    """Passes that a prompt's tokens take when each takes at most a chunk of them."""
    return ceiling(tokens / chunk_tokens)


@formula(source="Huang et al., GPipe, arXiv 1811.06965: m parts through p stages keep m of m + p - 1 slots busy")
def pipeline_utilization(*, microbatches: float, stages: float) -> float:
    """Share of the time that a stage works while parts of one batch flow through all stages once."""
    return microbatches / (microbatches + stages - 1)


@formula(source="Huang et al., GPipe, arXiv 1811.06965: a pipeline goes at the pace of its slowest stage")
def uneven_stages(*, layers: float, stages: float, microbatches: float) -> float:
    """How many times longer parts that follow each other take because the fullest stage has more layers than others."""
    return maximum(1, minimum(microbatches, stages) * ceiling(layers / stages) / layers)


@formula(source="Huang et al., GPipe, arXiv 1811.06965")
def pipelined_time(*, part_time: float, microbatches: float, stages: float, pipeline_utilization: float) -> float:
    """Seconds for all parts of a batch to flow through the stages; ``part_time`` is one part through all of them."""
    return part_time / stages * microbatches / pipeline_utilization


@formula(source=BOOK)
def ttft(*, prefill_time: float, waiting_time: float, request_overhead: float) -> float:
    """Seconds from a request to its first token."""
    return request_overhead + waiting_time + prefill_time


@formula(source=BOOK)
def request_time(*, ttft: float, output_tokens: float, tpot: float) -> float:
    """Seconds from a request to its last token: the first comes with the prompt."""
    return ttft + (output_tokens - 1) * tpot


@formula(source=LEVIATHAN)
def speculative_tokens(*, draft_tokens: float, acceptance: float) -> float:
    """Tokens that one verification yields on average when each draft token is accepted independently."""
    return (1 - acceptance ** (draft_tokens + 1)) / (1 - acceptance)


def acceptance_of(accept_length: float, draft_tokens: float) -> float:
    """Share of a draft's tokens that are accepted, each on its own, where a verification yields so many on average."""
    return last_that(
        lambda share: speculative_tokens(draft_tokens=draft_tokens, acceptance=share) <= accept_length, 0.0, NEAR_ONE
    )


@formula(source="one pass verifies all draft tokens and yields one more")
def verified_tokens(*, draft_tokens: float) -> float:
    """Tokens of each sequence in the pass that verifies a draft."""
    return draft_tokens + 1


@formula(source="a draft's cost as a share of the model's")
def shared_draft_time(*, draft_share: float, step_time: float) -> float:
    """Seconds of one draft token."""
    return draft_share * step_time


@formula(source=LEVIATHAN)
def speculative_step(*, tpot: float, speculative_tokens: float) -> float:
    """Seconds of a step of drafting and verification."""
    return tpot * speculative_tokens


@formula(source=LEVIATHAN)
def speculative_tpot(
    *, draft_tokens: float, draft_time: float, verification_time: float, speculative_tokens: float
) -> float:
    """Seconds a token when a draft proposes tokens one by one and the model verifies them in one pass."""
    return (draft_tokens * draft_time + verification_time) / speculative_tokens


@formula(source="derived: of the steps, those that a prompt rides along with take its time too")
def shared_step(*, step_time: float, prompts: float, prompt_time: float) -> float:
    """Seconds of a mean step when so many prompts, or parts of one, ride along with a step, at most one with each."""
    return step_time + prompts * prompt_time


@formula(
    source="derived: however prompts and steps are mixed, all arithmetic, all bytes and all messages take their time"
)
def best_shared_step(
    *,
    compute_time: float,
    memory_time: float,
    communication_time: float,
    prompts: float,
    prompt_compute_time: float,
    prompt_read_time: float,
    prompt_sent_time: float,
) -> float:
    """Least seconds of a mean step with so many prompts, which share the reads of its weights in any schedule."""
    return maximum(
        compute_time + prompts * prompt_compute_time,
        memory_time + prompts * prompt_read_time,
        communication_time + prompts * prompt_sent_time,
    )


@formula(source="of the tokens of a request one comes with its prompt: each of them takes a step")
def most_decoding(*, concurrent_requests: float, decoded_tokens: float, output_tokens: float) -> float:
    """Sequences that decode at most on average where so many requests are in flight."""
    return concurrent_requests * minimum(decoded_tokens / output_tokens, 1)


@formula(source=LITTLE)
def in_flight(*, request_rate: float, time_in_system: float) -> float:
    """Requests that are being served at once."""
    return request_rate * time_in_system


@formula(source=BOOK)
def prefill_per_decode(*, full_prefill_time: float, batch: float, step_time: float, output_tokens: float) -> float:
    """Replicas that prefill for each replica that decodes, when the two are apart."""
    return full_prefill_time * batch / (step_time * output_tokens)


@formula(source=LITTLE)
def prefill_of_load(*, full_prefill_time: float, request_rate: float) -> float:
    """Replicas that prefill the requests of each replica that decodes, by the rate at which it serves them."""
    return full_prefill_time * request_rate


@formula(source="a load is served by whole replicas, which all decoding ones share")
def prefill_paid(*, prefill_per_decode: float, replicas: float) -> float:
    """Replicas that are paid to prefill for each that decodes, whole ones of all together."""
    return ceiling(prefill_per_decode * replicas) / replicas


@formula(source="stages work on prompts of their own, and each data parallel group on its own")
def full_prefill_time(*, pass_time: float, prompt_passes: float, stages: float, prompts: float) -> float:
    """Seconds of a replica for each prompt where so many share its passes and more follow without a gap."""
    return prompt_passes * pass_time / (stages * prompts)


@formula(source="each data parallel group takes what its chunk holds, one prompt at least")
def prompts_of_groups(*, groups: float, chunk_tokens: float, new_tokens: float) -> float:
    """Prompts that all data parallel groups work on at once; ``chunk_tokens`` are those of one group."""
    return groups * maximum(1, floor(chunk_tokens / new_tokens))


@formula(source="each device holds its part")
def cache_on_all(*, cache_per_sequence: float, devices: float) -> float:
    """Bytes of a prompt's cache on all devices of a replica."""
    return cache_per_sequence * devices


@formula(source="each prompt's cache is sent once")
def cache_transfer_rate(*, request_rate: float, prompt_cache: float) -> float:
    """Bytes a second of the caches of all prompts that are sent to replicas that decode."""
    return request_rate * prompt_cache


@formula(source="Patel et al., Splitwise, arXiv 2311.18677: the cache is sent before decoding starts")
def sent_prefill_time(*, prefill_time: float, cache_transfer_time: float) -> float:
    """Seconds of a prompt until its cache is on the replica that decodes."""
    return prefill_time + cache_transfer_time


@formula(source="Patel et al., Splitwise, arXiv 2311.18677: a prompt's cache moves to the decoding replica")
def cache_transfer_time(*, cache_on_all: float, devices: float, link_bandwidth: float, link_share: float) -> float:
    """Seconds to send a prompt's cache between pools, each device over its own link."""
    return cache_on_all / (devices * link_bandwidth * link_share)


SIMULATED = "derived; within 4% of a simulation of vLLM's scheduler with the same passes"


@formula(source="derived: several prompts share a pass only where a whole one fits beside another")
def prompts_together(*, prompt_passes: float, prompts_per_step: float, chunk_tokens: float, new_tokens: float) -> float:
    """Prompts that a pass with prompts works on, or a row of passes where one takes several."""
    return maximum(1, minimum(prompt_passes * prompts_per_step, chunk_tokens / new_tokens))


@formula(source="derived: what the passes that prompts ride along with take longer than they would alone")
def prompt_delay(*, prompt_steps_time: float, prompt_passes: float, step_time: float, prompts_together: float) -> float:
    """Seconds that one prompt adds to the steps of the others: none where kernels of many rows make these shorter."""
    return maximum(prompt_steps_time - prompt_passes * step_time, 0) / prompts_together


@formula(source="vLLM's and SGLang's servers: a request is parsed, its prompt becomes tokens")
def request_start(*, request_overhead: float, token_overhead: float, input_tokens: float) -> float:
    """Seconds of a request outside all steps."""
    return request_overhead + token_overhead * input_tokens


@formula(source="an arrival at random meets all others on average (Wolff, Poisson arrivals see time averages, 1982)")
def batch_met(*, mean_decoding: float, met_itself: float) -> float:
    """Sequences that decode at once as each of them meets it."""
    return mean_decoding + met_itself


@formula(source="variance of arrivals over their number: one at random, none where they are evenly spaced")
def met_itself(*, burstiness: float) -> float:
    """Sequences more than the mean that an arriving request meets."""
    return burstiness**2


@formula(source="Kingman, The single server queue in heavy traffic (1961), for prompts of equal length")
def prompt_queue(*, prompt_load: float, prompt_steps_time: float, stages: float, burstiness: float) -> float:
    """Seconds that a prompt waits for those before it, each stage working on one of them."""
    return burstiness**2 * prompt_load * prompt_steps_time / stages / 2 / (1 - prompt_load)


@formula(source="derived: those without a slot start one by one as slots come free")
def slot_wait(*, waiting_requests: float, concurrent_requests: float, request_rate: float) -> float:
    """Seconds that a mean request of many that come at once waits for a slot."""
    return waiting_requests**2 / concurrent_requests / 2 / request_rate


@formula(source="what prompts that ride along add to a mean step, so many as keep the batch what it is")
def prompts_gap(*, shared_step: float, step_time: float) -> float:
    """Seconds that prompts add to the time between tokens."""
    return shared_step - step_time


@formula(source="derived: of one request at a time the prompt comes before the tokens, and no others decode meanwhile")
def own_prompt_gap(*, ttft: float, decoded_tokens: float) -> float:
    """Seconds of a lone request's prompt for each of its tokens that are decoded."""
    return ttft / decoded_tokens


@formula(source="derived: nobody's tokens wait for his own prompt")
def prompts_of_others(*, prompts_per_step: float, concurrent_requests: float) -> float:
    """Prompts of others that begin in a step of one of so many requests that are always there."""
    return prompts_per_step * (1 - 1 / maximum(concurrent_requests, 1))


@formula(source="derived: others are there as long as anything decodes, and a full batch is all others but one")
def others_share(*, busy_share: float, most_batch: float) -> float:
    """Share of the prompts in steps of a batch that are not of the request that waits for them."""
    return minimum(busy_share, 1 - 1 / maximum(most_batch, 1))


@formula(source="derived: nobody's tokens wait for his own prompt")
def met_tpot(*, step_time: float, prompts_gap: float, others_share: float) -> float:
    """Seconds between the tokens of a request, prompts of the others riding along."""
    return step_time + prompts_gap * others_share


@formula(source="Huang et al., GPipe, arXiv 1811.06965: stages work on different prompts at once")
def staged_turns(*, burst_passes: float, stages: float, prompt_passes: float) -> float:
    """Passes, each through all stages, that a mean prompt of many takes where stages take turns on them."""
    return maximum(prompt_passes, (burst_passes + stages - 1) / stages)


@formula(source="a prompt waits for those before it")
def queued_ttft(*, ttft: float, prompt_queue: float) -> float:
    """Seconds from a request to its first token where prompts queue."""
    return ttft + prompt_queue


@formula(source="a prompt waits for those before it")
def queued_request_time(*, request_time: float, prompt_queue: float) -> float:
    """Seconds from a request to its last token where prompts queue."""
    return request_time + prompt_queue


@formula(source="definition: the mean over all the time, over that met by those that decode")
def met_share(*, mean_decoding: float, batch: float) -> float:
    """Share of the time that a batch of this size decodes."""
    return mean_decoding / batch


@formula(source="each data parallel group takes a chunk of its own")
def group_chunks(*, chunk_tokens: float, groups: float) -> float:
    """Tokens of prompts that one pass of all data parallel groups takes at most."""
    return chunk_tokens * groups


@formula(source="definition of the load: arrivals a second times what each adds")
def prompt_load(*, request_rate: float, prompt_delay: float, stages: float, most_load: float) -> float:
    """Share of the time that prompts add to steps, each stage working on one of them."""
    return minimum(request_rate * prompt_delay / stages, most_load)


@formula(source="a request waits for a slot before its prompt is begun")
def ttft_in_turn(*, ttft: float, queue_time: float) -> float:
    """Seconds to the first token, the wait for a slot included."""
    return ttft + queue_time


@formula(source="of requests that come at once, one slot's after another: the run over the slots")
def requests_a_slot(*, run_requests: float, concurrent_requests: float) -> float:
    """Requests of a run for each of its slots."""
    return maximum(run_requests / concurrent_requests, 1)


@formula(source=SIMULATED)
def prompts_that_fill(*, chunk_tokens: float, new_tokens: float, requests: float) -> float:
    """Prompts, parts of them too, that fill a pass to its last token."""
    return minimum(chunk_tokens / new_tokens, requests)


@formula(source=SIMULATED)
def filling_tokens(*, chunk_tokens: float, new_tokens: float, requests: float) -> float:
    """Tokens of prompts that a pass takes, filled where there are enough."""
    return minimum(chunk_tokens, requests * new_tokens)


@formula(source=SIMULATED)
def whole_prompts(*, chunk_tokens: float, new_tokens: float, requests: float) -> float:
    """Prompts that a pass takes whole, at least one."""
    return maximum(1, minimum(floor(chunk_tokens / new_tokens), requests))


@formula(source="of requests that come at once half are through, on average, when the prompts of the others are met")
def decoding_meanwhile(*, requests: float, prompts_together: float) -> float:
    """Requests that decode while prompts of others are worked on."""
    return (requests - prompts_together) / 2


@formula(source=SIMULATED)
def burst_passes(*, requests: float, new_tokens: float, chunk_tokens: float) -> float:
    """Passes, filled to their last token, until a mean prompt of many that come at once is done."""
    return maximum(1, (requests + 1) / 2 * new_tokens / chunk_tokens + 1 / 2)


@formula(source=SIMULATED)
def burst_turns(*, requests: float, prompts_together: float, prompt_passes: float) -> float:
    """Passes of whole prompts until a mean prompt of many that come at once is done."""
    return prompt_passes * (requests / prompts_together + 1) / 2


@formula(source=SIMULATED)
def burst_ttft(*, request_start: float, waiting_time: float, burst_passes: float, burst_pass: float) -> float:
    """Seconds to the first token, mean over requests that come at once."""
    return request_start + waiting_time + burst_passes * burst_pass


@formula(source="a prompt whose cache an earlier run left needs one turn, the others wait for those before them")
def turns_with_seen(*, seen_share: float, prompt_passes: float, burst_passes: float) -> float:
    """Passes until a mean prompt of a burst is done, of which a share was cached before."""
    return seen_share * prompt_passes + (1 - seen_share) * burst_passes


@formula(
    source="the first passes of a server that is not warm compile, tune and allocate; one request of a slot meets it"
)
def unwarmed_ttft(*, ttft_all_at_once: float, cold_start: float, requests_a_slot: float) -> float:
    """Seconds to the first token, mean over a run that starts on a server which is not warm."""
    return ttft_all_at_once + cold_start / requests_a_slot


@formula(source="of the requests of a slot one comes with all others, the rest find a steady state")
def ttft_all_at_once(*, ttft: float, burst_ttft: float, requests_a_slot: float) -> float:
    """Seconds to the first token, mean over a run whose slots all start at once."""
    return (1 - 1 / requests_a_slot) * ttft + burst_ttft / requests_a_slot
