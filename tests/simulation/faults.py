"""What goes wrong, one thing at a time; several may be under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.disk import Inode
    from tests.simulation.node import Node
    from tests.simulation.world import World

BURST_WEIGHT = 100
HOUR_SECONDS = 3_600.0
# In the middle of the next so many steps.
MAX_STEPS = 12


def act(world: World) -> None:
    """The next thing that happens."""
    names = ["visitors", *world.plan.faults]
    weights = [BURST_WEIGHT, *world.plan.faults.values()]
    (name,) = world.rng.choices(names, weights)
    if name == "visitors":
        world.visitors.come()
    else:
        FAULTS[name](world, world.rng.choice(world.nodes))


def crash(world: World, node: Node) -> None:
    if node.workers:
        worker = world.rng.choice(node.workers)
        world.visitors.come()
        world.after_steps(world.rng.randrange(MAX_STEPS), lambda: world.crash(worker))


def leave(world: World, node: Node) -> None:
    serving = [worker for worker in world.workers if worker.node is node]
    if serving:
        worker = world.rng.choice(serving)
        world.note(f"{node.name}: worker {worker.writer} is asked to leave")
        worker.leave()


def power_cut(world: World, node: Node) -> None:
    world.visitors.come()
    seconds = world.rng.choice([1.0, 10.0, 60.0])
    steps = world.rng.randrange(MAX_STEPS)
    world.after_steps(steps, lambda: world.power_cut(node, seconds))


def pause(world: World, node: Node) -> None:
    if node.workers:
        worker = world.rng.choice(node.workers)
        seconds = world.rng.choice([0.3, 2.0, 60.0, 800.0])
        world.note(f"{node.name}: worker {worker.writer} stands still for {seconds} s")
        worker.paused = True

        def go_on() -> None:
            worker.paused = False

        world.at(world.now + seconds, go_on)


def sync_fails(world: World, node: Node) -> None:
    world.note(f"{node.name}: syncs fail")
    node.disk.fails_sync += world.rng.randint(1, 3)
    world.visitors.come()


def write_fails(world: World, node: Node) -> None:
    world.note(f"{node.name}: a write fails")
    node.disk.fails_write.append(world.rng.choice(["none", "some", "short"]))
    world.visitors.come()


def disk_full(world: World, node: Node) -> None:
    world.note(f"{node.name}: the disk is full")
    node.disk.full = True

    def empty_it() -> None:
        node.disk.full = False

    world.at(world.now + world.rng.uniform(0, 3 * world.plan.seconds), empty_it)


def flip(world: World, node: Node) -> None:
    files = [
        (path, inode)
        for path, inode in node.disk.files()
        if path.endswith(".log") and "/quarantine/" not in path and inode.data
    ]
    if files:
        path, inode = world.rng.choice(files)
        at = world.rng.randrange(len(inode.data))
        world.note(f"{node.name}: a bit flips in {path}, byte {at} of {len(inode.data)}")
        inode.flips[at] = 1 << world.rng.randrange(8)


def store_away(world: World, node: Node) -> None:
    shards = some_shards(world)
    world.note(f"the store's shards {shards} are away")
    world.away.update(shards)
    seconds = world.rng.choice([0.2, 3.0, 30.0, 10 * world.plan.seconds])
    world.at(world.now + seconds, lambda: world.away.difference_update(shards))


def roll_back(world: World, node: Node) -> None:
    """A failover, or a power cut of the store's machine."""
    age = world.rng.choice([1.0, 10.0, 1.0]) * world.rng.random() * world.plan.seconds * 5
    to = world.now - min(age, world.plan.roll_back_seconds)
    for shard in some_shards(world):
        world.note(f"the store's shard {shard} is what it was at {to:.4f}")
        world.store.roll_back(shard, to)


def empty(world: World, node: Node) -> None:
    """As far back as journals are kept, that is everything."""
    for shard in some_shards(world):
        began = world.store.first_applied(shard)
        if began is not None and world.now - began < world.plan.roll_back_seconds:
            world.note(f"the store's shard {shard} is empty")
            world.store.roll_back(shard, -1.0)


def some_shards(world: World) -> list[int]:
    every = list(range(world.plan.shards))
    return every if world.rng.random() < 0.5 else [world.rng.choice(every)]


def clock(world: World, node: Node) -> None:
    node.offset = world.rng.uniform(-HOUR_SECONDS, HOUR_SECONDS)
    world.note(f"{node.name}: its clock is wrong by {node.offset:.0f} s")


def twin(world: World, node: Node) -> None:
    """A second worker in the name of one that there is, as of a machine that was cloned."""
    others = [
        worker
        for worker in world.workers
        if worker.node is not node and worker.shipping.own is not None
    ]
    if not others or not node.up:
        return
    other = world.rng.choice(others)
    journal = other.shipping.own
    assert journal is not None
    world.note(f"{node.name}: a twin of worker {other.writer}")
    world.twins.add(journal.folder.name)
    world.forced_epoch = journal.epoch
    world.start(node, other.writer)


def left_in_order(node: Node) -> list[tuple[str, Inode]]:
    """The names of journals with `shipped` beside them, and each of their files."""
    files = list(node.disk.files())
    shipped = {path.rpartition("/")[0] for path, _ in files if path.endswith("/shipped")}
    return [
        (path.split("/")[-2], inode) for path, inode in files if path.rpartition("/")[0] in shipped
    ]


def long_night(world: World, node: Node) -> None:
    """Everything is switched off for longer than the store remembers tickets."""
    seconds = 2 * world.plan.life + 3.5 * HOUR_SECONDS
    for one in world.nodes:
        # What was left with everything in the store is let go of unasked after such a night: there
        # is no ledger to ask. If the store rolled back just before, nobody will know.
        world.let_go += left_in_order(one)
        world.power_cut(one, seconds)
    world.dark = True
    world.run(seconds)
    world.dark = False
    for one in world.nodes:
        world.power_on(one)


FAULTS = {
    "crash": crash,
    "leave": leave,
    "power_cut": power_cut,
    "pause": pause,
    "sync_fails": sync_fails,
    "write_fails": write_fails,
    "disk_full": disk_full,
    "flip": flip,
    "store_away": store_away,
    "roll_back": roll_back,
    "empty": empty,
    "clock": clock,
    "twin": twin,
    "long_night": long_night,
}
