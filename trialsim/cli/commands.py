"""The command line's groups, and how it ends."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from trialsim.cli.analyse.command import analyse
from trialsim.cli.cohort import cohort
from trialsim.cli.compare import compare
from trialsim.cli.design.group import design
from trialsim.cli.explore import explore
from trialsim.cli.export import export
from trialsim.cli.federate import federate
from trialsim.cli.guidance import guidance
from trialsim.cli.history.group import history
from trialsim.cli.init import init
from trialsim.cli.new import new
from trialsim.cli.qualify import qualify
from trialsim.cli.replay import replay
from trialsim.cli.run import run
from trialsim.cli.schema import schema
from trialsim.cli.sign import sign
from trialsim.cli.sizing.frontier import frontier
from trialsim.cli.sizing.size import size
from trialsim.cli.terminal.as_json import offer_json, refused
from trialsim.cli.terminal.interrupt import hear_interrupts, leave_interrupted
from trialsim.cli.twins.commands import twins
from trialsim.cli.verify import verify
from trialsim.errors import TrialsimError, TrialsimWarning

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130
NO_MEMORY = (
    "memory ran out. Mend: use fewer --workers, a smaller simulation.block or a machine with more memory, "
    "and run again; finished blocks are kept."
)
# What Python says where the memory of a new thread is refused.
NO_THREAD = "can't start new thread"
# What the loader says where a library finds no room: rooms import theirs when they are first used.
NO_ROOM = "failed to map segment"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trialsim")
def commands() -> None:
    """Size the control arm of a trial with placebo twins, and see what the saving rests on.

    \b
    Start here:
      trialsim init my-trial                      lay out example protocols and cohort cards
      trialsim run my-trial/protocols/alzheimers_phase2.toml
      trialsim new placebo_arm.csv                a protocol from your own placebo arm
      trialsim run PROTOCOL --history FILE.csv    learn from real placebo participants
      trialsim explore PROTOCOL                   move its numbers in the browser

    The answer is printed, and written with its evidence to reports/. Progress goes to standard error.
    Each command takes --json, for programs. NO_COLOR=1 leaves colours out.

    
    Exit codes:
      0    done
      2    refused: the message names the field, the value and the mend; nothing is half written
      130  stopped by Ctrl-C; finished blocks are kept
    """


for command in (
    run,
    new,
    history,
    size,
    design,
    analyse,
    frontier,
    explore,
    export,
    federate,
    guidance,
    init,
    schema,
    twins,
    cohort,
    compare,
    verify,
    sign,
    qualify,
    replay,
):
    commands.add_command(command)
offer_json(commands)


def main() -> None:
    """Run the command line; a refusal is one message on standard error and exit code 2."""
    try:
        with hear_interrupts(), _plain_warnings():
            commands(standalone_mode=False)
    except TrialsimError as error:
        _refuse(str(error))
    except click.ClickException as error:
        error.show()
        _say_in_json(error.format_message(), error.exit_code)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as stop:
        leave_interrupted()
        said = str(stop) or "Stopped. Nothing was written."
        click.echo(said, err=True)
        _say_in_json(said, EXIT_INTERRUPTED)
        sys.exit(EXIT_INTERRUPTED)
    except OSError as fault:
        _refuse(f"{fault}. Mend: free space or give access, and run again.")
    except MemoryError:
        _refuse(NO_MEMORY)
    except ImportError as fault:
        if NO_ROOM not in str(fault):
            raise
        _refuse(NO_MEMORY)
    except RuntimeError as fault:
        if str(fault) != NO_THREAD:
            raise
        _refuse(NO_MEMORY)


def _refuse(problem: str) -> NoReturn:
    click.secho(f"Error: {problem}", err=True, fg="red")
    _say_in_json(problem, EXIT_REFUSED)
    sys.exit(EXIT_REFUSED)


def _say_in_json(problem: str, exit_code: int) -> None:
    """Tell a program that asked for JSON on standard output what a reader is told on standard error."""
    if "--json" in sys.argv[1:]:
        click.echo(refused(problem, exit_code))


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show our own warnings as one line each, without the place in the source that nobody asked for."""
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, TrialsimWarning):
            click.secho(f"Warning: {message}", err=True, fg="yellow")
        else:
            shown(message, category, *place, **options)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
