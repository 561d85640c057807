"""The control plane: campaign files in, a checked catalog out."""
