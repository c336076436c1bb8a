"""What the programs of all three Python peers share: the same counts and checks as programs/peer.ts."""


def check(what, actual, expected):
    if actual != expected:
        raise AssertionError(f"{what} is {actual}, and should be {expected}")


def sum_below(count):
    return count * (count - 1) // 2


# Longer than any measurement takes, in seconds.
HOUR = 3600.0


def delay_of(i, count):
    """When each of `count` timers is due: 100 of them in each millisecond, but all within a second; in no order."""
    return (i * 7919 % min(max(count // 100, 1), 1000) + 1) / 1000


kept = []
