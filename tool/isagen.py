#!/usr/bin/env python3
"""isagen.py GUEST FOLDER OUT: makes C of a guest's *.isa files.

Reads every FOLDER/*.isa and writes OUT/GUEST_isa.h, OUT/GUEST_isa.c and perhaps OUT/GUEST_isa.md. What the rows look like and what the C holds
is the business of the notation that each file names with `%notation NAME`: module isa_NAME.py, which offers

    generate(guest, lines) -> (text of the header, text of the source) or those and a text for readers

and raises isa_source.Bad for anything wrong in the files; nothing is written then.
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import isa_source  # noqa: E402


def main(arguments):
    if len(arguments) != 4:
        sys.exit("usage: isagen.py GUEST FOLDER OUT")
    guest, folder, out = arguments[1:]
    try:
        lines = isa_source.read_folder(folder)
        name, lines = isa_source.take_notation(lines)
        notation = importlib.import_module("isa_" + name)
        texts = notation.generate(guest, lines)
    except isa_source.Bad as bad:
        sys.exit("\n".join(bad.messages))
    os.makedirs(out, exist_ok=True)
    for text, suffix in zip(texts, (".h", ".c", ".md")):
        isa_source.write_file(os.path.join(out, guest + "_isa" + suffix), text)


if __name__ == "__main__":
    main(sys.argv)
