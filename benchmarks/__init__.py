"""What a request costs, beside a server that does nothing, in the same run."""
