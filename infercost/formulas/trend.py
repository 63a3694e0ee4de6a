"""How fast a figure grows over the release dates of parts: least squares of its doublings over the years."""

from collections.abc import Sequence

from infercost.formulas.formula import formula, total
from infercost.numeric import log2, maximum, root

SQUARES = "least squares of a straight line (Gauss, Theoria motus, 1809)"


@formula(source="a doubling is one bit of the logarithm")
def doublings(*, part_figure: float, first_figure: float) -> float:
    """Doublings of a part's figure since that of the first part."""
    return log2(part_figure / first_figure)


@formula(source="ages are counted from the first release")
def years_since(*, release_year: float, first_year: float) -> float:
    """Years from the release of the first part to that of another."""
    return release_year - first_year


@formula(source="definition of the mean")
def mean_years(*, years_of_parts: Sequence[float], parts_fitted: float) -> float:
    """Mean of the years of all parts since the first."""
    return total(years_of_parts) / parts_fitted


@formula(source="definition of the mean")
def mean_doublings(*, doublings_of_parts: Sequence[float], parts_fitted: float) -> float:
    """Mean of the doublings of all parts since the first."""
    return total(doublings_of_parts) / parts_fitted


@formula(source=SQUARES)
def years_spread(*, years_of_parts: Sequence[float], parts_fitted: float, mean_years: float) -> float:
    """Sum of the squared distances of the years from their mean."""
    return total(years_of_parts, years_of_parts) - parts_fitted * mean_years**2


@formula(source=SQUARES)
def doublings_spread(*, doublings_of_parts: Sequence[float], parts_fitted: float, mean_doublings: float) -> float:
    """Sum of the squared distances of the doublings from their mean."""
    return total(doublings_of_parts, doublings_of_parts) - parts_fitted * mean_doublings**2


@formula(source=SQUARES)
def joint_spread(
    *,
    years_of_parts: Sequence[float],
    doublings_of_parts: Sequence[float],
    parts_fitted: float,
    mean_years: float,
    mean_doublings: float,
) -> float:
    """Sum of the products of both distances from the means."""
    return total(years_of_parts, doublings_of_parts) - parts_fitted * mean_years * mean_doublings


@formula(source=SQUARES)
def doublings_a_year(*, joint_spread: float, years_spread: float) -> float:
    """Slope of the line through the doublings: how many there are in a year."""
    return joint_spread / years_spread


@formula(source=f"{SQUARES}: two of the parts fix the line")
def doublings_a_year_error(
    *, doublings_spread: float, doublings_a_year: float, joint_spread: float, years_spread: float, parts_fitted: float
) -> float:
    """Standard error of the slope, from what the line leaves of the spread."""
    return root(maximum(doublings_spread - doublings_a_year * joint_spread, 0) / (parts_fitted - 2) / years_spread)


@formula(source="definition of a doubling time")
def doubling_years(*, doublings_a_year: float) -> float:
    """Years in which a figure doubles; negative where it halves."""
    return 1 / doublings_a_year


@formula(source="the error of a reciprocal, to first order")
def doubling_years_error(*, doublings_a_year: float, doublings_a_year_error: float) -> float:
    """Standard error of the doubling time."""
    return doublings_a_year_error / doublings_a_year**2
