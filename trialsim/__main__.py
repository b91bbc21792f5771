"""Start the command line: ``python -m trialsim``."""

from trialsim.cli import main

if __name__ == "__main__":
    main()
