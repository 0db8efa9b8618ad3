"""tests/services/kills.py - how often tests of stores kill, by TAPEDECK_KILLS, and what that asks of the market."""
import os

SLOWEST = 0.001
KILLS = int(os.environ.get("TAPEDECK_KILLS") or 5)


def slowed(speed):
    """That speed, or less, so that the market lasts for all of KILLS."""
    return f"{max(min(speed, speed * 5 / KILLS), SLOWEST):g}x"
