"""``fastae demo``: the main job on data that comes with the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastae import Autoencoder
from fastae._cli.errors import CliError, os_reason
from fastae._cli.files import check_writable
from fastae._cli.plots import MAX_INK, beats_figure, digits_figure, save
from fastae._cli.screens import Screen
from fastae._cli.tables import Ranking, print_model, print_ranking, rank_rows
from fastae._cli.training import fit
from fastae.datasets import make_heartbeats

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console


def run(out: Path, *, random_state: int = 0) -> None:
    """Rank heartbeats and handwritten digits, print the outcome and draw it.

    Parameters
    ----------
    out : Path
        Folder for ``heartbeats.png`` and ``digits.png``; made if absent.
    random_state : int, default=0
        Seed of the heartbeats and of both trainings.

    Raises
    ------
    CliError
        If the pictures cannot be written there.
    """
    pictures = [out / "heartbeats.png", out / "digits.png"]
    _make_folder(out)
    for picture in pictures:
        check_writable(picture)
    console = Screen()
    rank_heartbeats(console, pictures[0], random_state)
    rank_digits(console, pictures[1], random_state)


def rank_heartbeats(console: Console, picture: Path, random_state: int) -> Ranking:
    """Train on good heartbeats, rank them together with three bad ones, and draw all.

    The settings are those of the tutorial whose real electrocardiogram these beats stand in for:
    one hidden layer of 50 units, a slight l1 penalty, ADADELTA on one beat at a time.
    """
    beats = make_heartbeats(random_state=random_state)
    _heading(console, "Heartbeats: trained on 20 good ones, then shown these and 3 bad ones")
    model = Autoencoder(
        hidden_layer_sizes=50, solver="adadelta", l1=1e-5, random_state=random_state
    )
    fit(model, beats.data[beats.target == 1], source="heartbeats")
    ranking = rank_rows(model, beats.data)
    print_model(console, model)
    print_ranking(console, ranking, top=8, title="Heartbeats, worst first", kinds=beats.kind)
    save(
        beats_figure(beats.time, beats.data, model.reconstruct(beats.data), ranking, beats.kind),
        picture,
    )
    _say_written(console, picture)
    return ranking


def rank_digits(console: Console, picture: Path, random_state: int) -> Ranking:
    """Train on three quarters of scikit-learn's handwritten digits, rank and draw the rest."""
    digits = load_digits()
    X_train, X_test, _, y_test = train_test_split(
        digits.data, digits.target, random_state=random_state
    )
    _heading(
        console,
        f"Handwritten digits: trained on {len(X_train):,}, then shown {len(X_test):,} others",
    )
    # All columns are pixels on one scale. To divide each by its own range would make as much of
    # a stray dot at the rim, where there is hardly ever ink, as of a stroke in the middle.
    model = Autoencoder(hidden_layer_sizes=20, scaling="none", random_state=random_state)
    fit(model, X_train / MAX_INK, source="digits")
    X = X_test / MAX_INK
    ranking = rank_rows(model, X)
    print_model(console, model)
    names = [f"a {label}" for label in y_test]
    print_ranking(console, ranking, top=10, title="Digits, worst first", kinds=names)
    images, reconstructions = (
        (MAX_INK * pixels).reshape(-1, *digits.images.shape[1:])
        for pixels in (X, model.reconstruct(X))
    )
    save(digits_figure(images, reconstructions, ranking, y_test), picture)
    _say_written(console, picture)
    return ranking


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {out}: {os_reason(error)}; name another with --out"
        raise CliError(message) from error


def _heading(console: Console, text: str) -> None:
    console.rule(text, style="dim", align="left")


def _say_written(console: Console, picture: Path) -> None:
    console.print(f"Picture: {picture}\n", highlight=False, markup=False, soft_wrap=True)
