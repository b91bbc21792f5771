"""Who made a run: signatures by the right key, by others, changed, missing, and of other runs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.small_trial import run_small_trial
from trialsim.cli.commands import commands
from trialsim.errors import BundleError
from trialsim.study import check_bundle
from trialsim.study.verification import verify_bundle
from trialsim.study.verification.signature import sign_bundle, signature_file

ed25519 = pytest.importorskip(
    "cryptography.hazmat.primitives.asymmetric.ed25519", reason="signatures are of the extra 'sign'"
)
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private and a public key."""
    private = ed25519.Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths = folder / f"{name}.pem", folder / f"{name}.pub"
    paths[0].write_bytes(private.private_bytes(pem, form, plain))
    paths[1].write_bytes(
        private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return paths


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = run_small_trial(tmp_path_factory.getbasetemp())
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


def problem(run: Path, public: Path) -> str:
    return "; ".join(verify_bundle(run, "V0", signed_by=public).problems)


def test_the_makers_signature_holds_and_no_byte_of_the_bundle_changes(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "maker")
    before = (run / "manifest.json").read_bytes()
    assert sign_bundle(run, private) == tmp_path / "run.sig"
    assert (run / "manifest.json").read_bytes() == before
    assert check_bundle(run) == []
    verdict = verify_bundle(run, "V0", signed_by=public)
    assert verdict.holds
    assert any("is signed by SHA256:" in said for said in verdict.findings[0].checked)
    assert any("--signed-by" in said for said in verify_bundle(run, "V0").not_asked)


def test_others_and_changed_signatures_are_named(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "maker")
    assert "is not signed: run.sig" in problem(run, public)
    stranger, _ = keys(tmp_path, "stranger")
    sign_bundle(run, stranger)
    assert "is signed by another key" in problem(run, public)
    content = json.loads(sign_bundle(run, private).read_text())
    assert problem(run, public) == ""
    file = signature_file(run)
    own = json.loads(file.read_text())["signature"]
    for change in (
        {"signature": "AAAA" + own[4:]},
        {"signature": ""},
        {"signature": "x"},
        {"format": "x"},
        {"public_key": 3},
    ):
        file.write_text(json.dumps(content | change))
        assert problem(run, public)
    file.write_text("[]")
    assert "is no signature" in problem(run, public)


def test_a_signature_of_another_run_does_not_serve(run: Path, tmp_path: Path, tmp_path_factory) -> None:
    private, public = keys(tmp_path, "maker")
    other = tmp_path / "other"
    shutil.copytree(run_small_trial(tmp_path_factory.getbasetemp(), effect=0.5), other)
    signed = sign_bundle(other, private)
    signed.replace(signature_file(run))
    assert "of another run, or was changed" in problem(run, public)


def test_keys_that_are_none_are_refused_without_showing_them(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "maker")
    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN SECRET-----\nhush\n-----END SECRET-----\n")
    for key in (bad, public, tmp_path / "none.pem", tmp_path):
        with pytest.raises(BundleError) as refusal:
            sign_bundle(run, key)
        assert "hush" not in str(refusal.value)
    with pytest.raises(BundleError, match="is no public key"):
        verify_bundle(run, "V0", signed_by=private)
    (run / "results" / "answer.json").write_text("{}")
    with pytest.raises(BundleError, match=r"answer\.json"):
        sign_bundle(run, private)


def test_a_key_that_others_can_read_is_warned_about_and_never_copied(run: Path, tmp_path: Path) -> None:
    private, _ = keys(tmp_path, "maker")
    secret = private.read_text().splitlines()[1]
    for mode, warned in ((0o644, True), (0o640, True), (0o600, False)):
        private.chmod(mode)
        done = CliRunner().invoke(commands, ["sign", str(run), "--key", str(private)])
        assert done.exit_code == 0, done.output
        assert ("chmod 600" in done.output) is warned
        assert secret not in done.output + signature_file(run).read_text()


def test_without_the_library_the_mend_is_said(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = keys(tmp_path, "maker")
    sign_bundle(run, private)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    for attempt in (lambda: sign_bundle(run, private), lambda: verify_bundle(run, "V0", signed_by=public)):
        with pytest.raises(BundleError, match=r"pip install 'trialsim\[sign\]'"):
            attempt()
