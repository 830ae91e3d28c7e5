#!/usr/bin/env python
"""Small helpers around the demo: start it, add a model, empty the cache of downloaded ones."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import yaml

from module_ids import MODULE_IDS

_HERE = Path(__file__).parent
_CACHE = Path("~/.cache/huggingface")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_TASKS = {_snake_case(tab): module_id for tab, module_id in MODULE_IDS.items()}


@click.group()
def cli() -> None:
    """Caikit with models of Hugging Face."""


@cli.command()
@click.option("--confirm", is_flag=True, help="Really delete it.")
def clean(confirm: bool) -> None:
    """Delete the models that were downloaded from the hub."""
    if not confirm:
        click.echo("You need to --confirm to delete the cache.")
        return
    shutil.rmtree(_CACHE.expanduser(), ignore_errors=True)
    click.echo("---> The Hugging Face cache is removed")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def start(options: tuple[str, ...]) -> None:
    """Start the demo; options are those of app.py."""
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(subprocess.run([sys.executable, str(_HERE / "app.py"), *options], check=False).returncode)


@cli.command()
def setup() -> None:
    """Make the folder models, with an example in it."""
    folder = Path("models", "sentiment")
    if folder.parent.exists():
        click.echo(f"{folder.parent} is already there.")
        return
    shutil.copytree(_HERE / "example_models" / folder.name, folder)
    click.echo(f"Made {folder}")


@cli.command()
@click.argument("task", type=click.Choice(list(_TASKS)))
@click.argument("model", required=False)
@click.option("--revision", help="The revision of the model on the hub.")
@click.option("--id", "model_id", help="The name of the folder; the name of the task if it is not given.")
def add(task: str, model: str | None, revision: str | None, model_id: str | None) -> None:
    """Add a MODEL of the hub, or of a folder, for a TASK; a running demo loads it."""
    folder = Path("models", model_id or task)
    if folder.name.startswith(".") or len(folder.parts) != 2:
        raise click.ClickException(f"expected the name of a folder as --id, got {model_id!r}")
    if folder.exists():
        raise click.ClickException(f"{folder} is already there: choose another name with --id")
    config = {"module_id": _TASKS[task]}
    if model:
        config["hf_model"] = str(Path(model).resolve()) if Path(model).is_dir() else model
    if revision:
        config["hf_model_revision"] = revision
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    click.echo(f"Wrote {folder / 'config.yml'}")


if __name__ == "__main__":
    cli()
