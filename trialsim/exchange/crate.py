"""A run as a research object: its folder, and RO-Crate metadata of what made it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trialsim.errors import BundleError
from trialsim.study.bundles import check_bundle
from trialsim.study.bundles.alone.files import UnsoundError, read_plain, strict_json
from trialsim.study.bundles.bundled import manifest_of

_CONTEXT = "https://w3id.org/ro/crate/1.2/context"
_PROFILES = ("https://w3id.org/ro/crate/1.2", "https://w3id.org/ro/wfrun/process/0.5")
_TYPES = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".csv": "text/csv", ".html": "text/html",
    ".parquet": "application/vnd.apache.parquet", ".toml": "application/toml", ".py": "text/x-python",
    ".npz": "application/octet-stream",
}  # fmt: skip


def write_crate(run: Path, target: Path) -> Path:
    """Write a run with RO-Crate metadata beside it.

    Parameters
    ----------
    run : Path
        The bundle.
    target : Path
        A new folder: it gets the run in a folder of its own name, unchanged, and
        ``ro-crate-metadata.json``.

    Returns
    -------
    Path
        The metadata.

    Raises
    ------
    BundleError
        The run does not hold (V0), or the folder is there already.

    Source: RO-Crate 1.2 and Process Run Crate 0.5 (2025).
    """
    if problems := check_bundle(run):
        raise BundleError("; ".join(problems[:5]), file=run, mend="get the bundle again from its source")
    if target.exists():
        raise BundleError("is there already", file=target, mend="name a new folder")
    name = run.resolve().name
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        made = Path(scratch) / "crate"
        shutil.copytree(run, made / name)
        content = json.dumps(crate_metadata(run, name), indent=1, ensure_ascii=False)
        (made / "ro-crate-metadata.json").write_text(content + "\n", encoding="utf-8")
        made.replace(target)
    return target / "ro-crate-metadata.json"


def crate_metadata(run: Path, name: str) -> dict[str, Any]:
    """Return the RO-Crate metadata of a run.

    Parameters
    ----------
    run : Path
        The bundle.
    name : str
        Its folder in the crate.

    Returns
    -------
    dict
        JSON-LD: the files with size and SHA-256, the action that made them, with when it began and ended by
        the run's log, and the program with its version.
    """
    manifest = manifest_of(run)
    files = {**manifest["files"], "manifest.json": {}}
    parts = [{"@id": f"{name}/{one}"} for one in files]
    inputs = [part for part in parts if part["@id"].startswith(f"{name}/inputs/")]
    began, ended = _times(run)
    program = {"@id": "#trialsim", "@type": "SoftwareApplication", "name": "trialsim"}
    program["softwareVersion"] = str(manifest["versions"]["trialsim"])
    return {
        "@context": _CONTEXT,
        "@graph": [
            {
                "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
                "conformsTo": [{"@id": _PROFILES[0]}],
            },
            {
                "@id": "./", "@type": "Dataset", "name": str(manifest["title"]), "datePublished": ended,
                "description": "Simulated trials: every participant is synthetic.",
                "license": "As the sponsor of the run decides", "conformsTo": [{"@id": _PROFILES[1]}],
                "hasPart": parts, "mentions": [{"@id": "#run"}],
                "identifier": str(manifest["root"]),
            },
            {
                "@id": "#run", "@type": "CreateAction", "name": "trialsim run",
                "instrument": {"@id": "#trialsim"},
                "object": inputs, "result": [part for part in parts if part not in inputs],
                "startTime": began, "endTime": ended, "actionStatus": "http://schema.org/CompletedActionStatus",
            },
            program,
            *({"@id": one, "@type": "CreativeWork", "name": one.split("/")[-2]} for one in _PROFILES),
            *(_file(f"{name}/{one}", about) for one, about in files.items()),
        ],
    }  # fmt: skip


def _file(path: str, about: dict[str, Any]) -> dict[str, Any]:
    entity: dict[str, Any] = {"@id": path, "@type": "File", "name": path.rsplit("/", 1)[-1]}
    kind = _TYPES.get(Path(path).suffix)
    if kind:
        entity["encodingFormat"] = kind
    if about:
        entity |= {"contentSize": str(about["bytes"]), "sha256": about["sha256"]}
    return entity


def _times(run: Path) -> tuple[str, str]:
    try:
        lines = read_plain(run / "record" / "log.jsonl", "record/log.jsonl").splitlines()
        said = [strict_json(line, "record/log.jsonl") for line in (lines[0], lines[-1])]
        return str(said[0]["time"]), str(said[1]["time"])
    except (UnsoundError, LookupError, TypeError) as fault:
        raise BundleError(f"has no log that can be read ({fault})", file=run) from None
