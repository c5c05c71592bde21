"""Writes what a terminal shows, as it comes on standard input, as an asciinema v2 recording."""

from __future__ import annotations

import codecs
import json
import os
import sys
import time


def main() -> None:
    target, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    started = time.monotonic()
    with open(target, "w", encoding="utf-8") as cast:  # noqa: PTH123  runs without the project
        head = {"version": 2, "width": width, "height": height, "title": "evalspec lsp in Neovim"}
        cast.write(json.dumps(head) + "\n")
        while piece := os.read(0, 65_536):
            shown = decode(piece)
            if shown:
                event = [round(time.monotonic() - started, 2), "o", shown]
                cast.write(json.dumps(event, ensure_ascii=False) + "\n")
                cast.flush()


main()
