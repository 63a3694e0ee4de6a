"""A day of DeepSeek's V3 and R1 service, 27 to 28 February 2025, closed by hand: ``python examples/deepseek_day.py``.

All figures are DeepSeek's own: https://github.com/deepseek-ai/open-infra-index, day 6, "One More Thing". That its
tokens at its rates give its nodes is an identity of the report, no test of a model of a step.
"""

import sys

SECONDS = 86_400
DAY = {"in": 608e9, "cached": 342e9, "out": 168e9}
RATES = {"in": 73_700, "out": 14_800}
NODES, DEVICES, PRICE = 226.75, 8, 2.0
#: What its API asked for R1 at full price, USD per million: prompts found in the cache, other prompts, output.
ASKED = {"cached": 0.14, "missed": 0.55, "out": 2.19}


def closed() -> dict[str, float]:
    """What the reported figures come to."""
    nodes = {name: DAY[name] / SECONDS / rate for name, rate in RATES.items()}
    tokens = {"cached": DAY["cached"], "missed": DAY["in"] - DAY["cached"], "out": DAY["out"]}
    income = sum(ASKED[name] * tokens[name] / 1e6 for name in ASKED)
    cost = NODES * DEVICES * 24 * PRICE
    return {
        "prefill nodes": nodes["in"],
        "decode nodes": nodes["out"],
        "nodes in all": nodes["in"] + nodes["out"],
        "nodes reported": NODES,
        "USD a day": cost,
        "income a day": income,
        "margin": income / cost - 1,
    }


if __name__ == "__main__":
    sys.stdout.writelines(f"{name:16}{value:12,.2f}\n" for name, value in closed().items())
