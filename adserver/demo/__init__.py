"""The demonstration: a small French-language blog that shows every way of placing an ad."""
