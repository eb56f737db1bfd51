"""The mocks as a process of their own, killed for good at their work (tests/benchmarks: both halves, 50 times)."""

import threading
from pathlib import Path

from tests.benchmarks.torture_kills import MOCKS, drain, judge, torture

STUCK = (3, 8)  # while the receiver holds its answer to these, the server is killed


def test_killed_while_notices_are_in_flight_nothing_is_lost_made_up_or_doubled_without_a_mark(tmp_path: Path) -> None:
    held = {number: threading.Event() for number in STUCK}

    def think(number: int) -> int:
        if number in held:
            held[number].wait(20)
        return 204

    with torture(tmp_path, think, MOCKS, cashiers=2, patients=()) as (server, receiver, told, go_home):
        for number in STUCK:
            assert receiver.has(number)
            server.kill()
            held[number].set()
            server.spawn()
            server.ready()
        assert receiver.has(STUCK[-1] + 4)
        go_home()
        drain(server, "0s")
    figures = judge(tmp_path, receiver, told)
    assert figures["of these received twice"] >= len(STUCK)
    assert figures["deliveries cut off and marked"] >= figures["of these received twice"]
