"""`python -m adserver` is the `adserver` command."""

from adserver.cli import main

if __name__ == "__main__":
    main()
