"""Proves that check_readme.py can fail."""
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'scripts'))
import check_readme  # noqa: E402

BLOCK = '<!-- examples/a.cc [one] -->\n```cpp\nint x = 1;\n```\n'

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    (root / 'examples').mkdir()
    (root / 'examples/a.cc').write_text('int main() {\n  // [one]\n  int x = 1;\n  // [end]\n}\n')
    for text, wanted in [
        (BLOCK, ''),
        (BLOCK.replace('= 1', '= 2'), 'differs'),
        (BLOCK.replace('[one]', '[two]'), 'differs'),
        (BLOCK.replace('a.cc', 'b.cc'), 'there is no'),
        (BLOCK.split('\n', 1)[1], 'names no example'),
    ]:
        page = root / 'page.md'
        page.write_text(text)
        found = ' '.join(check_readme.problems(page, root))
        assert (wanted in found) if wanted else not found, (text, found)
