"""Which job a worker takes next: one queue for each host of each space, and none gets more workers than its share.

A slow one gets a small share, and all slow ones together leave some workers to the others: a dead receiver does not
hold up anybody else, nor does a space that has much to tell. One that answers at once gets a few: there is nothing
to wait for, and more workers would only wait for each other. Jobs of one line leave one after another, in the order
they were put, whatever the number of workers. Nothing here locks: the sender does.
"""

from collections import Counter, deque

from mock_providers.webhooks.store import Job, Lane, Line, Made

SLOW_MS = 1000
SLOW_SHARE = 2
QUICK_MS = 25
QUICK_SHARE = 3


class Lanes:
    """Jobs waiting for a worker, and how many are on the wire, by host; and who waits behind whom in a line."""

    def __init__(self, share: int) -> None:
        self.share, self.quick_share, self.slow_share = share, min(QUICK_SHARE, share), max(1, share * 2 // 3)
        self.queues: dict[Lane, deque[Job]] = {}
        self.lines: dict[Line, deque[Job]] = {}
        self.flying: Counter[Lane] = Counter()
        self.slow: set[Lane] = set()
        self.quick: set[Lane] = set()
        self.crawling = 0

    def put(self, job: Job) -> None:
        """Queue a job; behind those of its line that were not attempted yet, if there are any."""
        line = job.line()
        if line in self.lines:
            self.lines[line].append(job)
        else:
            self.lines[line] = deque()
            self.queues.setdefault(job.lane(), deque()).append(job)

    def clear(self) -> list[Job]:
        """Nothing waits any more; what did."""
        unsent = [job for waiting in (self.queues, self.lines) for queue in waiting.values() for job in queue]
        self.queues.clear()
        for queue in self.lines.values():
            queue.clear()
        return unsent

    def anything_flies(self) -> bool:
        return any(self.flying.values())

    def open(self) -> Lane | None:
        """A receiver with work and room. Each look starts after the one served last."""
        for lane in self.queues:
            if lane not in self.slow:
                if self.flying[lane] < (self.quick_share if lane in self.quick else self.share):
                    return lane
            elif self.flying[lane] < SLOW_SHARE and self.crawling < self.slow_share:
                return lane
        return None

    def next(self) -> Job:
        """Take the next job; only when `open` named a receiver."""
        lane = self.open()
        assert lane is not None
        queue = self.queues.pop(lane)
        job = queue.popleft()
        if queue:
            self.queues[lane] = queue
        self.flying[lane] += 1
        job.crawls = lane in self.slow
        self.crawling += job.crawls
        return job

    def ended(self, made: Made) -> bool:
        """A job is off the wire, and the next of its line may go; whether nothing else is on it."""
        lane, line = made.job.lane(), made.job.line()
        self.flying[lane] -= 1
        self.crawling -= made.job.crawls
        if not self.flying[lane]:
            del self.flying[lane]
        (self.slow.add if made.ms >= SLOW_MS else self.slow.discard)(lane)
        (self.quick.add if made.ms < QUICK_MS and lane in self.queues else self.quick.discard)(lane)
        if behind := self.lines[line]:
            follower = behind.popleft()
            self.queues.setdefault(follower.lane(), deque()).append(follower)
        else:
            del self.lines[line]
        return not self.flying
