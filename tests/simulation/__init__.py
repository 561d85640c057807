"""The counting protocol under every fault, replayable by a number.

The code under test is the real one (`core/batch.py`, `core/record.py`, `serving/counting.py`,
`serving/shipping.py`, `serving/journal.py`, `serving/journals.py`); what it stands on is not:
clock, event loop, disk, network and store are in one thread, and every choice is the seed's.
"""
