"""The only room that knows Redis: keys, scripts, and the promises that each call makes."""
