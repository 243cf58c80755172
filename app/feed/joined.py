"""What the core pays from, or credits on, money that it joined without consent: booked over the cards it really lies on. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def split_by_balance(amount: int, balances: Sequence[int]) -> list[int]:
    """Shares of `amount` (whole rupiah) in proportion to `balances`; they sum to it exactly.

    Rounded down, and the rupiah left over go one each to the largest remainders, the earlier card first. Where no card
    holds anything, the first takes all.
    """
    total = sum(balances)
    if total == 0:
        return [amount] + [0] * (len(balances) - 1)
    shares = [amount * balance // total for balance in balances]
    remainders = [amount * balance % total for balance in balances]
    largest_first = sorted(range(len(balances)), key=lambda place: (-remainders[place], place))
    for place in largest_first[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def take_in_turn(amount: int, balances: Sequence[int]) -> list[int] | None:
    """What each card gives towards `amount`: the first all it can, then the next. None when all together hold less."""
    taken = []
    for balance in balances:
        taken.append(min(amount, balance))
        amount -= taken[-1]
    return taken if amount == 0 else None
