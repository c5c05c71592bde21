"""Packs the extension: `python editors/vscode/pack.py evalspec.vsix`. Needs npm for the client library.

A .vsix is a zip with a list of content types, a manifest made from package.json, and the files of the
extension with the packages that it needs at run time. No build step, nothing is put into the checkout.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
FILES = ("package.json", "extension.js", "language-configuration.json", "README.md",
         "syntaxes/evalspec.tmLanguage.json")  # fmt: skip
NEEDED = (".js", ".json", ".cjs", ".mjs")
CONTENT = "Microsoft.VisualStudio.Services.Content"
UNCHANGING = (1980, 1, 1, 0, 0, 0)  # so that the same files give the same bytes


def content_types() -> str:
    """The list of content types."""
    kinds = {"js": "application/javascript", "json": "application/json", "md": "text/markdown",
             "vsixmanifest": "text/xml", "txt": "text/plain", "cjs": "application/javascript",
             "mjs": "application/javascript"}  # fmt: skip
    inner = "".join(
        f'<Default Extension=".{ending}" ContentType="{kind}"/>' for ending, kind in kinds.items()
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Types xmlns="{namespace}">{inner}</Types>\n'


def manifest(package: dict[str, Any]) -> str:
    """The manifest that the marketplace and the editor read."""
    asset = "Microsoft.VisualStudio.Code.Manifest"
    identity = " ".join(
        f"{name}={quoteattr(value)}"
        for name, value in (("Language", "en-US"), ("Id", package["name"]), ("Version", package["version"]),
                            ("Publisher", package["publisher"]))
    )  # fmt: skip
    engine = quoteattr(package["engines"]["vscode"])
    return f"""<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011"
  xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
  <Metadata>
    <Identity {identity}/>
    <DisplayName>{escape(package["displayName"])}</DisplayName>
    <Description xml:space="preserve">{escape(package["description"])}</Description>
    <Tags>{escape(",".join(package["keywords"]))}</Tags>
    <Categories>{escape(",".join(package["categories"]))}</Categories>
    <License>extension/LICENSE.txt</License>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value={engine}/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
    </Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="{asset}" Path="extension/package.json" Addressable="true"/>
    <Asset Type="{CONTENT}.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="{CONTENT}.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
"""


def install(folder: Path) -> None:
    """Installs what the extension needs at run time into a folder. Raises CalledProcessError."""
    shutil.copy(HERE / "package.json", folder)
    npm = shutil.which("npm") or "npm"
    subprocess.run(
        [npm, "install", "--omit=dev", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund",
         "--silent"],
        cwd=folder, check=True,
    )  # fmt: skip


def pack(target: Path) -> None:
    """Writes the .vsix."""
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        folder = Path(name)
        install(folder)
        _write(archive, "[Content_Types].xml", content_types().encode())
        _write(archive, "extension.vsixmanifest", manifest(package).encode())
        _write(archive, "extension/LICENSE.txt", (HERE.parents[1] / "LICENSE").read_bytes())
        for file in FILES:
            _write(archive, f"extension/{file}", (HERE / file).read_bytes())
        for path in sorted((folder / "node_modules").rglob("*")):
            if path.is_file() and (path.suffix in NEEDED or path.stem.upper().startswith("LICEN")):
                _write(archive, f"extension/{path.relative_to(folder).as_posix()}", path.read_bytes())


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, UNCHANGING)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("evalspec.vsix"))
    pack(parser.parse_args().target)
