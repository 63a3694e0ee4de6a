"""Every layout of some devices that an engine accepts, by hand."""

from infercost.models.find import find_model
from infercost.replica.layout import Layout, every_layout, valid_widths


def test_every_layout_of_eight_devices_for_mixtral() -> None:
    """32 heads, 8 of KV, 8 experts and 32 layers: tensor ranks divide the heads, expert ranks the experts.

    Groups of tensor ranks share the experts evenly; stages are any number that the devices suffice for.
    """
    found = every_layout(find_model("mixtral-8x7b").model, 8)
    pairs = {(tp, ep) for tp in (1, 2, 4, 8) for ep in (1, 2, 4, 8) if ep == 1 or ep % tp == 0}
    expected = {(tp, pp, ep) for tp, ep in pairs for pp in range(1, 9) if max(tp, ep) * pp <= 8}
    assert {one[:3] for one in found} == expected
    assert len(found) == len(expected)
    order = [(one.devices, one.pp, one.ep) for one in found]
    assert order == sorted(order)


def test_widths_that_are_asked_for_are_kept() -> None:
    llama = find_model("llama-3.1-8b").model
    assert {one[:3] for one in every_layout(llama, 8, Layout(2, 0, 0))} == {(2, pp, 1) for pp in (1, 2, 3, 4)}
    assert {one[:3] for one in every_layout(llama, 8, Layout(0, 2, 0))} == {(tp, 2, 1) for tp in (1, 2, 4)}
    assert {one[:3] for one in every_layout(llama, 64, Layout(1, 0, 0))} == {(1, pp, 1) for pp in range(1, 33)}
    mixtral = find_model("mixtral-8x7b").model
    assert {one[:3] for one in every_layout(mixtral, 8, Layout(0, 1, 4))} == {(tp, 1, 4) for tp in (1, 2, 4)} | {
        (8, 1, 4)
    }


def test_tensor_ranks_divide_the_heads_or_copy_those_of_kv() -> None:
    """Llama 3.1 8B: 32 query heads over 8 of KV."""
    assert valid_widths(find_model("llama-3.1-8b").model) == [1, 2, 4, 8, 16, 32]
