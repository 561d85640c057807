"""What the rooms need of one another, as types only; the wiring hands the real thing over."""
