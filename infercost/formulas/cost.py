"""From a step time to tokens, money and energy."""

from collections.abc import Sequence

from infercost.formulas.formula import LATER, NOTE, formula, total
from infercost.numeric import ceiling, maximum

#: Hours of an average month: 365 x 24 / 12.
HOURS_PER_MONTH = 730


@formula(source="every sequence of the batch gets one token a step")
def tokens_per_s(*, batch: float, step_time: float) -> float:
    """Tokens decoded per second for all users together."""
    return batch / step_time


@formula(source="each request has its tokens")
def served_tokens_per_s(*, request_rate: float, output_tokens: float) -> float:
    """Tokens that leave a replica in a second, first ones included."""
    return request_rate * output_tokens


@formula(source="of each request one token comes with its prompt, the others one a step that prompts ride along with")
def paid_tokens_per_s(
    *, batch: float, step_time: float, prompts_gap: float, decoded_tokens: float, output_tokens: float
) -> float:
    """Tokens that leave a full replica in a second when it works on the prompts of its requests too."""
    return batch / (step_time + prompts_gap) * output_tokens / decoded_tokens


@formula(source="texts that come together leave together")
def texts_per_s(*, batch: float, prefill_time: float) -> float:
    """Whole texts that a replica reads in a second, one batch after another."""
    return batch / prefill_time


@formula(source="each text has its tokens")
def input_tokens_per_s(*, texts_per_s: float, input_tokens: float) -> float:
    """Tokens of prompts in a second, those that a cache has among them."""
    return texts_per_s * input_tokens


@formula(source="whole replicas")
def replicas_of_texts(*, request_rate: float, texts_per_s: float) -> int:
    """Replicas that read at least so many texts a second."""
    return ceiling(request_rate / texts_per_s)


@formula(source="texts that arrive over those that the replicas could read")
def texts_load_share(*, request_rate: float, replicas: float, texts_per_s: float) -> float:
    """Share of the time that replicas read texts which arrive at a rate; above one they do not keep up."""
    return request_rate / (replicas * texts_per_s)


@formula(source="each request has its tokens")
def requests_answered(*, tokens_per_s: float, output_tokens: float) -> float:
    """Requests that leave a replica in a second."""
    return tokens_per_s / output_tokens


@formula(source="all that the replicas answer in a second, and no sooner than one request ends")
def job_time(*, job_requests: float, replicas: float, requests_answered: float, request_time: float) -> float:
    """Seconds of a job of so many requests, or texts, on replicas that each answer some in a second."""
    return maximum(job_requests / (replicas * requests_answered), request_time)


@formula(source="every accelerator is paid for as long as the job takes")
def job_usd(*, usd_per_hour: float, job_time: float) -> float:
    """USD for a job, by an hour of all accelerators."""
    return usd_per_hour * job_time / 3600


@formula(source=LATER)
def usd_per_million_input(*, price: float, devices: float, input_tokens_per_s: float) -> float:
    """USD for a million tokens that are read, on accelerators that are always busy and decode none."""
    return price * devices / 3600 / input_tokens_per_s * 1e6


@formula(source="one token a step")
def tokens_per_s_per_user(*, step_time: float) -> float:
    """Tokens decoded per second for one user."""
    return 1 / step_time


@formula(source="an even share of the devices' tokens")
def tokens_per_s_per_gpu(*, tokens_per_s: float, devices: float) -> float:
    """Tokens decoded per second on one accelerator."""
    return tokens_per_s / devices


@formula(source="an even share of the tokens for devices that decode and that are paid to read prompts")
def served_tokens_per_s_per_gpu(*, tokens_per_s: float, devices: float, prefill_paid: float) -> float:
    """Tokens decoded per second for each accelerator of a replica and of those that read its prompts."""
    return tokens_per_s / (devices * (1 + prefill_paid))


@formula(source=LATER)
def usd_per_million_tokens(*, price: float, devices: float, tokens_per_s: float) -> float:
    """USD for a million decoded tokens on accelerators that are always busy."""
    return price * devices / 3600 / tokens_per_s * 1e6


@formula(source=LATER)
def measured_usd_per_million_tokens(*, price: float, devices: float, measured_tokens_per_s: float) -> float:
    """USD for a million tokens at the rate that was measured."""
    return price * devices / 3600 / measured_tokens_per_s * 1e6


@formula(source="prompts take a share of the time, and one token of each request comes with its own")
def usd_per_million_tokens_decode(
    *, usd_per_million_tokens_busy: float, prompt_share: float, tokens_per_s: float, first_tokens: float
) -> float:
    """USD for a million decoded tokens, their prompts and idle hours left out."""
    return usd_per_million_tokens_busy * (1 - prompt_share) * tokens_per_s / (tokens_per_s - first_tokens)


@formula(source="power over token rate; chips at their rated power, no host and no cooling")
def joules_per_token(*, power: float, devices: float, tokens_per_s: float) -> float:
    """Joules for one decoded token."""
    return power * devices / tokens_per_s


@formula(source=NOTE)
def lone_user_cost_ratio(*, step_time_alone: float, step_time: float, batch: float) -> float:
    """How many times more a lone user pays for a token than a member of the batch, on the same hardware."""
    return step_time_alone * batch / step_time


@formula(source="on the same hardware a token costs the seconds that it takes, those of its prompts too")
def paid_cost_ratio(*, paid_tokens_per_s: float, paid_tokens_per_s_alone: float) -> float:
    """How many times more a lone user pays for a token than a member of the batch, where each pays for its prompts."""
    return paid_tokens_per_s / paid_tokens_per_s_alone


@formula(source="the whole bill by what comes out")
def usd_per_request(*, usd_per_million_tokens: float, output_tokens: float) -> float:
    """USD for one request, its prompt and its answer, where the price of what comes out pays for prompts."""
    return usd_per_million_tokens / 1e6 * output_tokens


@formula(source="power at the wall over the rate of requests; chips at their rated power, no host")
def request_energy(*, power: float, pue: float, devices: float, output_tokens: float, tokens_per_s: float) -> float:
    """Wh for one request, its prompt and its answer."""
    return power * pue * devices * output_tokens / tokens_per_s / 3600


@formula(source="each output token takes its share of the energy; 1 Wh is 3,600 J")
def joules_per_output_token(*, request_energy: float, output_tokens: float) -> float:
    """Joules for each token that comes out, their prompt paid too."""
    return request_energy * 3600 / output_tokens


@formula(source="power at the wall; chips at their rated power, no host")
def rated_power(*, power: float, pue: float, devices: float) -> float:
    """The W of all devices, always busy."""
    return power * pue * devices


@formula(source="24 hours of 1,000 W are 24 kWh")
def energy_per_day(*, rated_power: float) -> float:
    """The kWh of a day on which all devices are always busy."""
    return rated_power * 24 / 1000


@formula(source="replicas alike")
def paid_devices(*, replicas_paid: float, devices: float) -> float:
    """Accelerators of all replicas that are paid for, mean over the day."""
    return replicas_paid * devices


@formula(source="average month of 730 hours")
def usd_per_month(*, price: float, devices: float) -> float:
    """USD for all accelerators, paid every hour of an average month."""
    return price * devices * HOURS_PER_MONTH


@formula(source="every accelerator is paid")
def usd_per_hour(*, price: float, replicas: float, devices: float) -> float:
    """USD for an hour of all accelerators of so many replicas."""
    return price * replicas * devices


@formula(source="sequences in flight share all accelerators")
def usd_per_sequence_hour(*, usd_per_hour: float, concurrent_requests: float) -> float:
    """USD for an hour of each sequence that is always in flight, such as a caller's."""
    return usd_per_hour / concurrent_requests


@formula(source="an API bills each token by its kind")
def api_usd_per_request(
    *,
    input_tokens: float,
    prefix_share: float,
    output_tokens: float,
    api_price_input: float,
    api_price_cached: float,
    api_price: float,
) -> float:
    """USD that an API bills for one request: new tokens of the prompt, cached ones, and the answer."""
    return (
        input_tokens * (1 - prefix_share) * api_price_input
        + input_tokens * prefix_share * api_price_cached
        + output_tokens * api_price
    ) / 1e6


@formula(source="the whole bill by what comes out")
def api_usd_per_million_tokens(*, api_usd_per_request: float, output_tokens: float) -> float:
    """USD that an API bills for a million tokens that come out, their prompts too."""
    return api_usd_per_request / output_tokens * 1e6


@formula(source="average month of 730 hours")
def api_usd_per_month(*, api_usd_per_million_tokens: float, tokens_per_s: float) -> float:
    """USD that an API bills in an average month."""
    return api_usd_per_million_tokens / 1e6 * tokens_per_s * 3600 * HOURS_PER_MONTH


@formula(source="average month of 730 hours")
def tokens_per_month(*, tokens_per_s: float, read_per_token: float) -> float:
    """Tokens that go in and come out in an average month."""
    return tokens_per_s * (1 + read_per_token) * 3600 * HOURS_PER_MONTH


@formula(source="each user sends messages every day, in an average month of 730 hours")
def requests_per_month(*, users: float, messages_per_day: float) -> float:
    """Messages of all daily users in a month."""
    return users * messages_per_day * HOURS_PER_MONTH / 24


@formula(source="each request has its tokens")
def requests_of_tokens(*, tokens_per_month: float, input_tokens: float, output_tokens: float) -> float:
    """Requests that have so many tokens in a month, in and out."""
    return tokens_per_month / (input_tokens + output_tokens)


@formula(source="the same bill for each request")
def api_usd_of_requests(*, api_usd_per_million_tokens: float, output_tokens: float, requests_per_month: float) -> float:
    """USD that an API bills for the requests of a month, each by what comes out of it."""
    return api_usd_per_million_tokens / 1e6 * output_tokens * requests_per_month


@formula(source="each message has its tokens, in an average month of 730 hours")
def users_of_tokens(
    *, tokens_per_month: float, messages_per_day: float, input_tokens: float, output_tokens: float
) -> float:
    """Daily users whose messages have so many tokens in a month."""
    return tokens_per_month / (messages_per_day * (input_tokens + output_tokens) * HOURS_PER_MONTH / 24)


@formula(source="definition of a message: a prompt and its answer, in an average month of 730 hours")
def messages_of_tokens(*, tokens_per_month: float, users: float, input_tokens: float, output_tokens: float) -> float:
    """Messages of each user a day that have so many tokens in a month."""
    return tokens_per_month / (users * (input_tokens + output_tokens) * HOURS_PER_MONTH / 24)


@formula(source="annuity of a loan: what one dollar costs a year until it is paid back")
def annuity(*, interest: float, years: float) -> float:
    """Share of a price that is paid each year, interest included."""
    return interest / (1 - 1 / (1 + interest) ** years)


@formula(source="power at the wall")
def electricity_price(*, power: float, pue: float, power_price: float) -> float:
    """USD an hour for the electricity of an accelerator, at its rated power."""
    return power * pue / 1000 * power_price


@formula(source="owning: annuity over the hours of a year, and its electricity")
def owned_price(*, purchase_price: float, annuity: float, electricity_price: float) -> float:
    """USD an hour of an accelerator that is owned."""
    return purchase_price * annuity / 8760 + electricity_price


@formula(source="both cost the same: every hour of an owned one is paid, of a rented one those of use")
def break_even_hours_share(*, owned_price: float, rent: float) -> float:
    """Share of all hours from which an accelerator costs less to own than to rent."""
    return owned_price / rent


@formula(source="both cost the same: a purchase is paid every hour, electricity and rent those of use")
def break_even_hours_at_home(*, owned_price: float, electricity_price: float, rent: float) -> float:
    """Share of all hours from which an accelerator that draws power while it is used costs less to own than to rent."""
    return (owned_price - electricity_price) / (rent - electricity_price)


@formula(
    source="definition: a price over what each month saves of a rent, no interest, in an average month of 730 hours"
)
def payback_months(*, purchase_price: float, rent: float, electricity_price: float) -> float:
    """Months in which an accelerator that is used every hour saves its price, against renting it."""
    return purchase_price / ((rent - electricity_price) * HOURS_PER_MONTH)


@formula(source="electricity of the hours in which it draws power, in an average month of 730 hours")
def used_electricity(*, electricity_price: float, devices: float, powered_hours: float) -> float:
    """USD a month for the electricity of accelerators that draw power for so many hours a day."""
    return electricity_price * devices * powered_hours / 24 * HOURS_PER_MONTH


@formula(source="a purchase is paid every hour of an average month of 730 hours, electricity in those of power")
def used_usd_per_month(
    *, owned_price: float, electricity_price: float, devices: float, used_electricity: float
) -> float:
    """USD a month of accelerators that are owned, with the electricity of their use."""
    return (owned_price - electricity_price) * devices * HOURS_PER_MONTH + used_electricity


@formula(source="definition: a price over what each month saves of a rent that is paid in hours of use, no interest")
def used_payback_months(
    *, purchase_price: float, rent: float, hours_per_day: float, electricity_price: float, powered_hours: float
) -> float:
    """Months in which an accelerator that is used for some hours a day saves its price, against renting it for them."""
    return purchase_price / ((rent * hours_per_day - electricity_price * powered_hours) / 24 * HOURS_PER_MONTH)


@formula(
    source="definition: what was bought over what each month saves of an API's bill, electricity of all hours paid"
)
def api_payback_months(
    *, purchase_price: float, devices: float, api_usd_per_month: float, electricity_price: float
) -> float:
    """Months in which accelerators save their price, against what an API bills for the same requests."""
    return purchase_price * devices / (api_usd_per_month - electricity_price * devices * HOURS_PER_MONTH)


@formula(source=LATER)
def device_seconds_per_token(*, devices: float, tokens_per_s: float) -> float:
    """Seconds of one accelerator that a token takes."""
    return devices / tokens_per_s


@formula(source=LATER)
def paid_device_seconds(*, replicas_paid: float, devices: float, tokens_per_s: float) -> float:
    """Seconds of one accelerator for a token of a service, in all hours that are paid."""
    return replicas_paid * devices / tokens_per_s


@formula(source=LATER)
def busy_device_seconds(*, replicas_busy: float, devices: float, tokens_per_s: float) -> float:
    """Seconds of one accelerator for a token of a service, in the hours in which anything decodes."""
    return replicas_busy * devices / tokens_per_s


@formula(source="price of the seconds that a token takes")
def usd_per_million_paid(*, price: float, paid_device_seconds: float) -> float:
    """USD for a million decoded tokens, every hour paid."""
    return price / 3600 * paid_device_seconds * 1e6


@formula(source="price of the seconds that a token takes")
def usd_per_million_tokens_busy(*, price: float, busy_device_seconds: float) -> float:
    """USD for a million decoded tokens, busy hours only."""
    return price / 3600 * busy_device_seconds * 1e6


@formula(source="both parts of a bill by the share of the time that each takes")
def usd_per_million_tokens_output(*, usd_per_million_tokens: float, prompt_share: float) -> float:
    """USD for a million decoded tokens without their prompts."""
    return usd_per_million_tokens * (1 - prompt_share)


@formula(source="both parts of a bill by the share of the time that each takes")
def usd_per_million_tokens_input(*, usd_per_million_tokens: float, prompt_share: float, read_per_token: float) -> float:
    """USD for a million tokens of prompts."""
    return usd_per_million_tokens * prompt_share / read_per_token


@formula(source="one price for tokens that go in and come out")
def usd_per_million_tokens_blended(*, usd_per_million_tokens: float, read_per_token: float) -> float:
    """USD for a million tokens, of prompts and of answers."""
    return usd_per_million_tokens / (1 + read_per_token)


@formula(source="definition of a gross margin: the share of what is charged that is left above the cost")
def charged_usd(*, cost: float, margin: float) -> float:
    """USD to charge for what costs so much, to keep a margin of each dollar."""
    return cost / (1 - margin)


@formula(source="definition of a gross margin: the share of what is charged that is left above the cost")
def gross_margin(*, usd_per_month: float, users: float, seat_price: float) -> float:
    """The share of what users pay a month that is left above their cost; below zero a loss."""
    return 1 - usd_per_month / (users * seat_price)


@formula(source="who decodes pays for the replicas that work on prompts, and for slots that stand empty")
def served_cost(*, cost: float, prefill_paid: float, slots: float, concurrent_users: float) -> float:
    """Cost of a token when all replicas of a service are paid, from that on a replica that decodes and is full."""
    return cost * (1 + prefill_paid) * slots / concurrent_users


@formula(source="a token a step for each slot, and of each request one more with its prompt")
def full_tokens_per_s(*, most_batch: float, shared_step: float, decoded_tokens: float) -> float:
    """Tokens that leave a replica whose slots are all taken."""
    return most_batch / shared_step * (1 + 1 / decoded_tokens)


@formula(source="operations of all tokens that are decoded in a second, and of the prompts")
def service_flops(
    *,
    flops_per_token: float,
    attention_flops_per_token: float,
    tokens_per_s: float,
    first_tokens: float,
    prompt_flops: float,
    request_rate: float,
) -> float:
    """Operations that a service needs in a mean second."""
    return (flops_per_token + attention_flops_per_token) * (tokens_per_s - first_tokens) + prompt_flops * request_rate


@formula(source="operations that are needed over those of all accelerators that are paid")
def service_utilization(*, service_flops: float, replicas_paid: float, devices: float, peak_flops: float) -> float:
    """Share of the arithmetic of every hour that is paid for which tokens and their prompts use."""
    return service_flops / (replicas_paid * devices * peak_flops)


@formula(source="a step's bytes, as often as the replicas step")
def hour_bytes(*, busy_share: float, replicas: float, step_bytes: float, shared_step: float) -> float:
    """Bytes that all replicas read in a second of one hour."""
    return busy_share * replicas * step_bytes / shared_step


@formula(source="mean over the hours of a day")
def day_bytes(*, hours_alike: Sequence[float], bytes_of_hour: Sequence[float], hours: float) -> float:
    """Bytes that all replicas read in a mean second."""
    return total(hours_alike, bytes_of_hour) / hours


@formula(source="bytes that are read over those that all accelerators that are paid could read")
def service_bandwidth_utilization(
    *, day_bytes: float, replicas_paid: float, devices: float, memory_bandwidth: float
) -> float:
    """Share of the bandwidth of every hour that is paid for which decoding uses."""
    return day_bytes / (replicas_paid * devices * memory_bandwidth)


@formula(source="tokens of prompts over tokens of answers")
def read_per_token(*, input_tokens: float, request_rate: float, tokens_per_s: float) -> float:
    """Tokens of prompts for each token that comes out."""
    return input_tokens * request_rate / tokens_per_s


@formula(source="whole replicas")
def replicas_of_rate(*, least_tokens_per_s: float, tokens_per_s: float) -> int:
    """Replicas that decode at least so many tokens a second."""
    return ceiling(least_tokens_per_s / tokens_per_s)


@formula(source="replicas share nothing")
def total_tokens_per_s(*, replicas: float, tokens_per_s: float) -> float:
    """Tokens a second of so many replicas."""
    return replicas * tokens_per_s


@formula(source="tokens that are asked for pay for those that nobody wants")
def asked_cost(*, cost: float, total_tokens_per_s: float, least_tokens_per_s: float) -> float:
    """Cost of a token that is asked for, from that on replicas all of whose tokens are."""
    return cost * total_tokens_per_s / least_tokens_per_s


@formula(source=LATER)
def preference(*, speed: float, cost: float) -> float:
    """What a provider prefers by his choice of a point: the fourth power of a user's speed over what a token costs."""
    return speed**4 / cost
