#!/usr/bin/env python3
"""Checks that the C++ in a Markdown page is code that is built and run.

  scripts/check_readme.py [PAGE]      by default README.md

A ```cpp block must follow a line <!-- examples/FILE.cc [NAME] --> and be, indentation apart, what
stands in that file between the lines // [NAME] and // [end]. The tests build and run the examples.
"""
import pathlib
import re
import sys
import textwrap


def snippet(source, name):
    found = re.search(rf'^ *// \[{re.escape(name)}\]\n(.*?)^ *// \[end\]', source, re.M | re.S)
    return textwrap.dedent(found[1]).strip() if found else None


def problems(page, root):
    text = page.read_text(encoding='utf-8')
    marked = r'(?:<!-- (examples/\w+\.(?:cc|h)) \[(\w+)\] -->\n)?```cpp\n(.*?)```'
    for block in re.finditer(marked, text, re.S):
        line = text.count('\n', 0, block.start()) + 1
        file, name, code = block.groups()
        if not file:
            yield f'{page.name}:{line}: a block of C++ that names no example'
        elif not (root / file).is_file():
            yield f'{page.name}:{line}: there is no {file}'
        elif snippet((root / file).read_text(encoding='utf-8'), name) != code.strip():
            yield f'{page.name}:{line}: differs from [{name}] in {file}'


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    page = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / 'README.md'
    found = list(problems(page, root))
    print('\n'.join(found))
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
