"""The extension for VS Code: packed as editors want it, and starting the server that it says."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from editors.npm import SECONDS, VSCODE, node, packages, tool

PACKAGE = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
SCHEMA = "{http://schemas.microsoft.com/developer/vsx-schema/2011}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    tool("npm")
    packages(tmp_path_factory.mktemp("reachable"))  # skips, saying why, where npm cannot install
    target = tmp_path_factory.mktemp("vsix") / "evalspec.vsix"
    command = [sys.executable, str(VSCODE / "pack.py"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True,
                          timeout=SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(target) as archive:
        yield archive


def test_the_manifest_says_what_package_json_says(packed: zipfile.ZipFile) -> None:
    root = ElementTree.fromstring(packed.read("extension.vsixmanifest"))  # noqa: S314  our own file
    identity = root.find(f"{SCHEMA}Metadata/{SCHEMA}Identity")
    assert identity is not None
    assert [identity.get(name) for name in ("Id", "Version", "Publisher")] == [
        PACKAGE["name"], PACKAGE["version"], PACKAGE["publisher"],
    ]  # fmt: skip
    properties = {p.get("Id"): p.get("Value") for p in root.iter(f"{SCHEMA}Property")}
    assert properties["Microsoft.VisualStudio.Code.Engine"] == PACKAGE["engines"]["vscode"]
    assets = [asset.get("Path") for asset in root.iter(f"{SCHEMA}Asset")]
    assert "extension/package.json" in assets
    assert set(assets) <= set(packed.namelist())


def test_every_file_has_a_content_type_and_the_list_comes_first(packed: zipfile.ZipFile) -> None:
    assert packed.namelist()[0] == "[Content_Types].xml"
    root = ElementTree.fromstring(packed.read("[Content_Types].xml"))  # noqa: S314  our own file
    known = {default.get("Extension") for default in root.iter(f"{TYPES}Default")}
    endings = {Path(name).suffix for name in packed.namelist()[1:] if Path(name).suffix}
    assert endings <= known | {".txt", ".md"}


def test_what_package_json_names_is_there(packed: zipfile.ZipFile) -> None:
    names = set(packed.namelist())
    contributes = PACKAGE["contributes"]
    named = [
        PACKAGE["main"],
        contributes["languages"][0]["configuration"],
        contributes["grammars"][0]["path"],
    ]
    assert {f"extension/{name.removeprefix('./')}" for name in named} <= names
    for needed in PACKAGE["dependencies"]:
        assert f"extension/node_modules/{needed}/package.json" in names
    assert not [name for name in names if "vscode-textmate" in name]  # only tests need it


@pytest.fixture(scope="module")
def unpacked(packed: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    packed.extractall(folder)
    return folder / "extension"


def test_it_starts_the_server_for_specs(unpacked: Path) -> None:
    said = json.loads(node("activate.js", str(unpacked)))
    assert said["started"][0]["server"] == {"command": "evalspec", "args": ["lsp"]}
    assert {s["language"] for s in said["started"][0]["selector"]} == {"evalspec"}
    assert said["commands"] == ["evalspec.restart"]
    assert (len(said["started"]), said["stopped"], said["errors"]) == (2, 2, [])  # restarted, then left


def test_it_says_what_to_install_where_there_is_no_server(unpacked: Path) -> None:
    said = json.loads(node("activate.js", str(unpacked), "missing"))
    assert "pip install 'evalspec[lsp]'" in said["errors"][0]


def test_the_client_library_is_whole(unpacked: Path) -> None:
    """Everything that the library requires is in the package, but for the editor's own module."""
    done = subprocess.run(
        [tool("node"), "-e", "require('vscode-languageclient/node')"],
        cwd=unpacked, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert "Cannot find module 'vscode'" in done.stderr


def test_the_settings_that_are_read_are_declared() -> None:
    assert PACKAGE["contributes"]["configuration"]["properties"]["evalspec.command"]["default"] == [
        "evalspec",
        "lsp",
    ]
    language = json.loads((VSCODE / "language-configuration.json").read_text(encoding="utf-8"))
    assert language["comments"] == {"lineComment": "#"}


def test_there_is_no_lock_file() -> None:
    """One would name the registry of whoever made it."""
    assert [path.name for path in VSCODE.glob("*lock*")] == []
