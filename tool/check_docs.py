#!/usr/bin/env python3
"""Checks README.md and docs/*.md: relative links resolve, files that are named exist, every page is linked from the
README, docs/riscv.md and docs/syscalls.md are what their generators make. Prints a line for each fault; the last line is `N passed, N failed`.

A name in backquotes is a file's when it starts with a folder of the project or has a slash and a suffix of sources; it is
looked up in the root and in src/, `*` standing for anything. Capital words (NAME, G, H) are placeholders.

usage: check_docs.py [ROOT]
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

GENERATED = ("docs/riscv.md", "docs/usage.md", "docs/syscalls.md")
FILE = re.compile(r"(src|test|tool|fuzz|bench|docs|include|examples)/[\w./*]+|[a-z][\w/]*/[\w.*]+\.(c|h|S|def|isa|py|sh|test)")
PLACEHOLDER = re.compile(r"NAME|NOTATION|/[GH](/|\.|$)")


class Check:
    def __init__(self, root):
        self.root, self.passed, self.failed = root, 0, 0

    def that(self, good, text):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(text)

    def page(self, page):
        with open(os.path.join(self.root, page), encoding="utf-8") as f:
            text = f.read()
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
            if not re.match(r"[a-z]+:", link):
                path = os.path.join(self.root, os.path.dirname(page), link)
                self.that(os.path.exists(path), f"{page}: link to {link}")
        if page in GENERATED:
            return text
        for word in (word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()):
            if FILE.fullmatch(word) and not PLACEHOLDER.search(word):
                found = any(glob.glob(os.path.join(self.root, folder, word)) for folder in ("", "src"))
                self.that(found, f"{page}: there is no {word}")
        return text

    def generated(self):
        command = [sys.executable, "tool/syscalls.py"]
        made = subprocess.run(command, cwd=self.root, check=True, stdout=subprocess.PIPE, text=True)
        self.fresh("docs/syscalls.md", made.stdout)
        with tempfile.TemporaryDirectory() as out:
            command = ["tool/isagen.py", "riscv", "src/guest/riscv", out]
            subprocess.run([sys.executable, *command], cwd=self.root, check=True)
            with open(os.path.join(out, "riscv_isa.md"), encoding="utf-8") as made:
                self.fresh("docs/riscv.md", made.read())

    def fresh(self, page, made):
        with open(os.path.join(self.root, page), encoding="utf-8") as kept:
            self.that(made == kept.read(), f"{page} is out of date: make manual")


def callbacks(root):
    """What headers below src/ take functions by: (where, name of the struct or function)."""
    for path in sorted(glob.glob(os.path.join(root, "src/**/*.h"), recursive=True)):
        struct = None
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        text = re.sub(r",\n\s+", ", ", text)
        for line in text.split("\n"):
            begin = re.match(r"struct (\w+) \{", line)
            if begin or line.startswith("}"):
                struct = begin and "struct " + begin.group(1)
            if re.search(r"\(\*\w+\)\(", line):
                called = re.search(r"(\w+)\(", line)
                yield os.path.relpath(path, root), struct or called.group(1)


def main(root):
    check = Check(root)
    docs = sorted(os.path.relpath(p, root) for p in glob.glob(os.path.join(root, "docs", "*.md")))
    readme = check.page("README.md")
    for page in docs:
        check.page(page)
        check.that(f"({page})" in readme, f"{page} is not linked from README.md")
    with open(os.path.join(root, "docs/layers.md"), encoding="utf-8") as f:
        layers = f.read()
    for path, name in sorted(set(callbacks(root))):
        check.that(f"`{name}`" in layers, f"{path}: docs/layers.md does not tell who calls what {name} has")
    lines = subprocess.run(["tool/lines.py", "--compare", "docs/lines.md"], cwd=root, stdout=subprocess.PIPE, text=True)
    check.that(lines.returncode == 0, lines.stdout.strip())
    if os.path.exists(os.path.join(root, "docs/riscv.md")):
        check.generated()
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else
                  os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
