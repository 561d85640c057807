"""A self-hosted ad-placement server for publishers who sell their ads directly."""

__version__ = "0.1.0"
