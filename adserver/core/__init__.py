"""What an ad server is: values and rules, told everything.

No clock, no socket, no file, no Redis and no randomness of its own: `now`, the draw, keys
and counts are arguments, so that any decision can be replayed in a test.
"""
