"""Which job a worker takes next: one queue a host, and no host gets more workers than its share.

A slow host gets a small share, so that one dead receiver does not hold up the others. Jobs of one line leave
one after another, in the order they were put, whatever the number of workers. Nothing here locks: the sender does.
"""

from collections import Counter, deque

from mock_providers.webhooks.store import Job, Line, Made

SLOW_MS = 1000
SLOW_SHARE = 2


class Lanes:
    """Jobs waiting for a worker, and how many are on the wire, by host; and who waits behind whom in a line."""

    def __init__(self, share: int) -> None:
        self.share = share
        self.queues: dict[str, deque[Job]] = {}
        self.lines: dict[Line, deque[Job]] = {}
        self.flying: Counter[str] = Counter()
        self.slow: set[str] = set()

    def put(self, job: Job) -> None:
        """Queue a job; behind those of its line that were not attempted yet, if there are any."""
        line = job.line()
        if line in self.lines:
            self.lines[line].append(job)
        else:
            self.lines[line] = deque()
            self.queues.setdefault(job.host, deque()).append(job)

    def clear(self) -> list[Job]:
        """Nothing waits any more; what did."""
        unsent = [job for waiting in (self.queues, self.lines) for queue in waiting.values() for job in queue]
        self.queues.clear()
        for queue in self.lines.values():
            queue.clear()
        return unsent

    def waiting(self) -> bool:
        return bool(self.queues)

    def anything_flies(self) -> bool:
        return any(self.flying.values())

    def open(self) -> str | None:
        """A host with work and room. Each look starts after the host served last."""
        for host in self.queues:
            if self.flying[host] < (SLOW_SHARE if host in self.slow else self.share):
                return host
        return None

    def next(self) -> Job:
        """Take the next job; only when `open` named a host."""
        host = self.open()
        assert host is not None
        queue = self.queues.pop(host)
        job = queue.popleft()
        if queue:
            self.queues[host] = queue
        self.flying[host] += 1
        return job

    def ended(self, made: Made) -> bool:
        """A job is off the wire, and the next of its line may go; whether nothing else is on it."""
        host, line = made.job.host, made.job.line()
        self.flying[host] -= 1
        if not self.flying[host]:
            del self.flying[host]
        (self.slow.add if made.ms >= SLOW_MS else self.slow.discard)(host)
        if behind := self.lines[line]:
            follower = behind.popleft()
            self.queues.setdefault(follower.host, deque()).append(follower)
        else:
            del self.lines[line]
        return not self.flying
