"""Where the data sets come from: a folder of the user's, a cache, or their public homes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

DATA_VARIABLE = "FASTAE_DATA"
CACHE_VARIABLE = "FASTAE_CACHE"


class Source(NamedTuple):
    """One data set: its name, its files in the user's folder, and those at its homes."""

    title: str
    folder: str  # below FASTAE_DATA and below the cache
    local_files: tuple[str, ...]
    homes: tuple[str, ...]  # tried in this order, each ends in "/"
    sha256: dict[str, str]  # of each file at the homes


ECG = Source(
    title="ECG heartbeats",
    folder="ecg",
    local_files=("ecg_discord_train.csv", "ecg_discord_test.csv"),
    homes=("https://h2o-public-test-data.s3.amazonaws.com/smalldata/anomaly/",),
    sha256={
        "ecg_discord_train.csv": "42fecc8a79a8f3150f34aa6a0b26276923071db82aa6f5acb44948717bb844ae",
        "ecg_discord_test.csv": "ffbf56f9e47024ce9735e842f59da3fa06e29490441bd0dc2fac33202a1f9b82",
    },
)

ECG_RECORD = Source(
    title="ECG heartbeats (long record)",
    folder="ecg",
    local_files=("ecg_discord.csv",),
    homes=ECG.homes,
    sha256={
        "ecg_discord.csv": "5237758eb132fe6317af6efcc03c44b6a556e06f18593a29438a19360673a542",
    },
)

MNIST = Source(
    title="MNIST",
    folder="mnist",
    local_files=("mnist_20k.npz",),
    homes=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
)

FASHION_MNIST = Source(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    local_files=("fashion_mnist.npz",),
    homes=(
        # This bucket's web address has no TLS; the checksum is what makes it safe to use.
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
)


def local_files(source: Source) -> list[Path] | None:
    """Return the data set's files in the folder FASTAE_DATA, or None if it is not there.

    Raises
    ------
    FileNotFoundError
        If FASTAE_DATA names no folder, or the folder has some of the files but not all.
    """
    setting = os.environ.get(DATA_VARIABLE)
    if not setting:
        return None
    root = Path(setting).expanduser().absolute()
    if not root.is_dir():
        msg = (
            f"{DATA_VARIABLE} names {root}, which is not a folder; "
            f"set it to one that has {_layout(source)}, or unset it."
        )
        raise FileNotFoundError(msg)
    paths = [root / source.folder / name for name in source.local_files]
    missing = [path for path in paths if not path.is_file()]
    if len(missing) == len(paths):
        return None
    if missing:
        msg = f"{source.title} in {DATA_VARIABLE} is incomplete: {missing[0]} is missing."
        raise FileNotFoundError(msg)
    return paths


def cached_files(source: Source) -> list[Path]:
    """Return the data set's files in the cache, downloaded first where they are not there.

    Raises
    ------
    FileNotFoundError
        If a file is neither in the cache nor to be had from any of the homes.
    """
    try:
        import pooch
    except ImportError:
        msg = "no download, as pooch is not installed"
        raise FileNotFoundError(_advice(source, [msg])) from None
    setting = os.environ.get(CACHE_VARIABLE)
    root = Path(setting).expanduser() if setting else Path(pooch.os_cache("fastae"))
    folder = root.absolute() / source.folder
    return [_fetch(source, folder, name) for name in source.sha256]


def _fetch(source: Source, folder: Path, name: str) -> Path:
    """Return one file of the cache folder, downloaded unless it is there undamaged."""
    import pooch

    path = folder / name
    if path.is_file() and _sha256(path) == source.sha256[name]:
        return path
    failures = []
    for home in source.homes:
        try:
            # Downloads beside the target and renames once the checksum fits, so that nothing
            # partial or foreign is ever found under the final name.
            pooch.retrieve(
                home + name,
                known_hash=f"sha256:{source.sha256[name]}",
                fname=name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=30, chunk_size=1 << 16),
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"{home}{name} ({_reason(error)})")
        else:
            return path
    raise FileNotFoundError(_advice(source, [f"the cache {folder}", *failures]))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    """Return in a few words why a download failed."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.RequestException):
        return f"no connection: {type(error).__name__}"
    if isinstance(error, ValueError):
        return "its checksum is not the known one"
    return str(error)


def _layout(source: Source) -> str:
    return " and ".join(f"{source.folder}/{name}" for name in source.local_files)


def _advice(source: Source, tried: list[str]) -> str:
    """Return the one message for a data set that cannot be had."""
    setting = os.environ.get(DATA_VARIABLE)
    first = (
        f"{DATA_VARIABLE}={setting} (no {_layout(source)})"
        if setting
        else f"{DATA_VARIABLE} (not set)"
    )
    return (
        f"The data set {source.title} is not on this machine and could not be downloaded; "
        f"tried {', '.join([first, *tried])}. Either set {DATA_VARIABLE} to a folder that has "
        f"{_layout(source)}, or connect to the network with pooch installed "
        f'(pip install "fastae[data]").'
    )
