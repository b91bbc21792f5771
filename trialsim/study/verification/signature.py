"""Who made a run: an Ed25519 signature of its seal, in a file beside the bundle."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any

from trialsim.errors import BundleError
from trialsim.protocol.writing import whole_file
from trialsim.study.bundles.alone.files import UnsoundError, read_plain, strict_json
from trialsim.study.bundles.bundle import check_bundle
from trialsim.study.bundles.bundled import manifest_of

FORMAT = "trialsim.signature/1"
_MOST = 64 * 1024


def signature_file(folder: Path) -> Path:
    """Return where the signature of a bundle lies: beside it, so that no byte of the bundle changes."""
    return folder.resolve().with_name(f"{folder.resolve().name}.sig")


def sign_bundle(folder: Path, key: Path) -> Path:
    """Sign the seal of a bundle.

    Parameters
    ----------
    folder : Path
        The bundle, which must hold (V0).
    key : Path
        Private Ed25519 key, as PEM without a password: ``openssl genpkey -algorithm ed25519``.

    Returns
    -------
    Path
        The signature, ``BUNDLE.sig`` beside the bundle.

    Raises
    ------
    BundleError
        The bundle does not hold, the key is none, or the package that signs is not there.
    """
    if problems := check_bundle(folder):
        raise BundleError("; ".join(problems[:5]), file=folder, mend="sign the bundle as the run wrote it")
    private = _key(key, private=True)
    manifest = manifest_of(folder)
    message = _message(manifest)
    public = private.public_key().public_bytes_raw()
    content = {
        "format": FORMAT, "algorithm": "Ed25519", "root": manifest["root"], "seal": manifest["seal"],
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(private.sign(message)).decode(),
    }  # fmt: skip
    target = signature_file(folder)
    with whole_file(target, BundleError) as scratch:
        scratch.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


def check_signature(folder: Path, key: Path) -> tuple[str, str]:
    """Hold the signature beside a bundle against a public key.

    Parameters
    ----------
    folder : Path
        The bundle.
    key : Path
        Public Ed25519 key, as PEM, got by another way than with the bundle.

    Returns
    -------
    tuple of str
        What holds, and what does not; one of them is empty.

    Raises
    ------
    BundleError
        The key is none, or the package that verifies is not there.
    """
    public = _key(key, private=False)
    from cryptography.exceptions import InvalidSignature

    named = fingerprint(public.public_bytes_raw())
    try:
        content = strict_json(read_plain(signature_file(folder), "signature", _MOST), "signature")
        given = base64.b64decode(content["signature"], validate=True)
        own = base64.b64decode(content["public_key"], validate=True)
        if content["format"] != FORMAT:
            raise KeyError("format")
    except UnsoundError as fault:
        return "", f"it is not signed: {signature_file(folder).name} beside it {fault.problem}"
    except (KeyError, TypeError, ValueError, binascii.Error):
        return "", f"{signature_file(folder).name} is no signature of {FORMAT}"
    if own != public.public_bytes_raw():
        return "", f"it is signed by another key ({fingerprint(own)}), not by {named}"
    try:
        public.verify(given, _message(manifest_of(folder)))
    except InvalidSignature:
        return "", f"the signature by {named} is of another run, or was changed"
    return f"the seal is signed by {named}", ""


def fingerprint(public: bytes) -> str:
    """Return the name of a public key, as `ssh-keygen -l` shows a hash.

    Examples
    --------
    >>> fingerprint(b"x" * 32)
    'SHA256:xi5GFb054iJXLzob98ITLqHmWxfsgFBHvWsoQsWTST8'
    """
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip('=')}"


def _message(manifest: dict[str, Any]) -> bytes:
    return f"{FORMAT}\n{manifest['root']}\n{manifest['seal']}\n".encode()


def _key(path: Path, *, private: bool) -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
    except ModuleNotFoundError:
        raise BundleError(
            "needs the package cryptography", field="key", mend="pip install 'trialsim[sign]'"
        ) from None
    kind = "private" if private else "public"
    try:
        content = read_plain(path, str(path), _MOST)
        key = load_pem_private_key(content, password=None) if private else load_pem_public_key(content)
    except UnsoundError as fault:
        raise BundleError(fault.problem, file=path, mend=f"give the {kind} key as a PEM file") from None
    except (ValueError, TypeError):
        # What the file holds is never shown.
        raise BundleError(
            f"is no {kind} key without a password", file=path,
            mend="make one: openssl genpkey -algorithm ed25519; openssl pkey -pubout for the public key",
        ) from None  # fmt: skip
    wanted = ed25519.Ed25519PrivateKey if private else ed25519.Ed25519PublicKey
    if not isinstance(key, wanted):
        raise BundleError("is a key of another kind", file=path, mend="use Ed25519")
    return key
