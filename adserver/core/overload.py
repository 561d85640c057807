"""Overload: how likely a worker is to shed a request, by how late its event loop is.

A loop takes up whatever has come since its last round, so requests that come faster than they are
answered make its rounds longer, and each of them waits about as long as two rounds take. A timer
beside requests sees that: its lag. A queue that comes and goes is no overload; one that stands is
(Nichols and Jacobson 2012, Controlling Queue Delay, ACM Queue 10(5); RFC 8289): so what counts is
the smaller of two lags in a row. The probability follows it as in PIE (Pan et al.,
RFC 8033, section 4.2): one part that grows for as long as the lag is above its target, and shrinks
below it, and one in proportion to the lag. The second is taken at each request, by how late the
round is by then and what those take who have been read and wait to be answered in it, as an answer
after a round would come too late: at five times what a worker can do, each round without it would
take five times as long as the one before.

Nothing here knows what is shed. What costs least goes first: `sheds`; what somebody has to send
again, when nothing else is left to shed: `refuses`.
"""

from __future__ import annotations

# How often the lag is measured: a timer of some two microseconds.
TICK_SECONDS = 0.005
# A lag that is no overload, as RFC 8289 (4.4) has it. A slice of compiling takes less; so do two
# hundred requests that come at once. The lower it is, the fewer connections a proxy needs for what
# it has to send: as many as are answered in the time that each of them takes (Little 1961).
TARGET_SECONDS = 0.005
# A round that takes so long sheds the rest of it, whatever was before: a queue, or a pause of the
# whole process, whose requests have waited as long.
PATIENCE_SECONDS = 0.030
# From the target on to this much above it the probability in proportion goes from 0 to 1.
RANGE_SECONDS = 0.020
# What is answered at last by a refusal begins to be refused at this lag.
REFUSING_SECONDS = 0.020
# A late round in which fewer requests were taken up was late for another reason, such as a machine
# that has lent the processor to somebody else: there is no queue that shedding could shorten.
QUEUE_REQUESTS = 8
# How fast the lasting part moves: by this much in a second for each second above the target, and
# so many times as fast where there is no queue any more, so that a burst is over when it is over.
GROWTH = 500.0
NO_QUEUE_SECONDS = TARGET_SECONDS / 4
RECOVERY = 4.0
# What an answer costs is known from about the last fifty.
SMOOTHING = 0.02
# One long round is one measurement: it moves the lasting part by no more than so long.
LONGEST_STEP_SECONDS = 0.050


class Overload:
    """One worker's. All instants are seconds of one monotonic clock.

    probability: the lasting part, 0 to 1; 0 is a worker that keeps up.
    """

    __slots__ = (
        "_asked",
        "_cost",
        "_due",
        "_queued",
        "_ticked",
        "_waiting",
        "lag",
        "probability",
        "standing",
    )

    def __init__(self, now: float) -> None:
        self.probability = 0.0
        self.lag = 0.0
        self.standing = 0.0
        self._asked = 0
        self._waiting = 0
        self._cost = 0.0
        self._queued = 0.0
        self._ticked = now
        self._due = now + TICK_SECONDS

    def tick(self, now: float) -> None:
        """The timer has run: `TICK_SECONDS` after the last time, and later by the lag."""
        self.lag = max(0.0, now - self._due)
        before, self._queued = self._queued, self.lag if self._asked >= QUEUE_REQUESTS else 0.0
        self.standing = min(before, self._queued)
        step = min(now - self._ticked, LONGEST_STEP_SECONDS)
        speed = GROWTH if self.standing > NO_QUEUE_SECONDS else GROWTH * RECOVERY
        moved = self.probability + speed * (self.standing - TARGET_SECONDS) * step
        self.probability = min(1.0, max(0.0, moved))
        self._ticked, self._due, self._asked = now, now + TICK_SECONDS, 0

    def is_calm(self, now: float) -> bool:
        """Whether nothing is shed, whatever is drawn; `sheds` is then not to be asked."""
        late = now - self._due + self._waiting * self._cost
        if self.probability or late >= TARGET_SECONDS:
            return False
        self._asked += 1
        return True

    def sheds(self, now: float, draw: float) -> bool:
        """Whether to shed a request; to be asked for each that is taken up, as it is.

        draw: a number in [0, 1).
        """
        self._asked += 1
        late = self._late(now)
        if late < TARGET_SECONDS:
            return draw < self.probability
        if self.standing < TARGET_SECONDS and not self.probability:
            return late > PATIENCE_SECONDS and self._asked > QUEUE_REQUESTS
        return draw < self.probability + (late - TARGET_SECONDS) / RANGE_SECONDS

    def is_last_step(self, now: float) -> bool:
        """Whether shedding all that can be shed is not enough."""
        return self.probability >= 1.0 and max(self._late(now), self.standing) > REFUSING_SECONDS

    def refuses(self, now: float, draw: float) -> bool:
        """Whether to refuse what is never shed, once nothing is left to shed."""
        if self.probability < 1.0:
            return False
        late = max(self._late(now), self.standing)
        return draw < (late - REFUSING_SECONDS) / RANGE_SECONDS

    def queued(self) -> None:
        """A request has been read, and will be answered when those before it have been."""
        self._waiting += 1

    def begun(self) -> None:
        """One of those is being answered now."""
        if self._waiting:
            self._waiting -= 1

    def took(self, seconds: float) -> None:
        """An answer with a decision did, once begun."""
        self._cost += (seconds - self._cost) * SMOOTHING

    def _late(self, now: float) -> float:
        """How late what is read now would be answered: by now, and for those who wait."""
        return now - self._due + self._waiting * self._cost
