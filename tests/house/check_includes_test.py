"""scripts/check_includes.py finds what it is there to find."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).parents[2] / "scripts" / "check_includes.py"


def check(files):
    """Exit status and lines for a tree of {path: included header, or list of them}."""
    with tempfile.TemporaryDirectory() as root:
        for name, headers in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            headers = [headers] if isinstance(headers, str) else headers
            path.write_text("#pragma once\n" + "".join(f'#include "{h}"\n' for h in headers))
        run = subprocess.run([sys.executable, CHECKER, root], capture_output=True, text=True)
        return run.returncode, run.stdout.splitlines()


class CheckIncludes(unittest.TestCase):
    def assert_good(self, path, header):
        status, lines = check({path: header})
        self.assertEqual((status, lines), (0, ["1 files, 0 complaints"]), f"{path} -> {header}")

    def assert_bad(self, path, header, why):
        status, lines = check({path: header})
        self.assertEqual(status, 1, f"{path} -> {header}")
        self.assertEqual(len(lines), 2)
        self.assertIn(f"{path}:2: {why}: {header}", lines[0])

    def test_downwards_is_allowed(self):
        self.assert_good("cornu/ops/a.cc", "cornu/tensor/shape.h")
        self.assert_good("cornu/ops/a.cc", "cornu/ops/op.h")
        self.assert_good("cornu/kernels/a-inl.h", "hwy/highway.h")
        self.assert_good("cornu/formats/hdf5/a.cc", "cornu/model/model.h")
        self.assert_good("cornu/image/a.cc", "png.h")
        self.assert_good("cli/main.cc", "cli/predict.h")

    def test_upwards_is_refused(self):
        for folder, above in [("base", "tensor"), ("tensor", "ops"), ("ops", "graph"),
                              ("graph", "nn"), ("kernels", "graph"), ("nn", "layers"),
                              ("compile", "exec"), ("exec", "model"), ("layers", "exec"),
                              ("layers", "compile"), ("layers", "kernels"), ("model", "formats"),
                              ("formats", "exec"), ("image", "model"), ("model", "image")]:
            self.assert_bad(f"cornu/{folder}/a.h", f"cornu/{above}/b.h",
                            f"{folder}/ may not include {above}/")
        self.assert_bad("cornu/formats/hdf5/a.cc", "cornu/exec/b.h", "formats/ may not include exec/")

    def test_highway_stays_in_kernels(self):
        for path in ("cornu/ops/a.cc", "cornu/compile/a.cc", "cli/a.cc"):
            self.assert_bad(path, "hwy/highway.h", "only kernels/ includes Highway")

    def test_users_see_what_the_umbrella_reaches(self):
        tree = {"cornu/cornu.h": ["cornu/model/model.h"], "cornu/model/model.h": "cornu/tensor/t.h",
                "cornu/tensor/t.h": [], "cornu/kernels/k.h": [], "cornu/image/image.h": []}
        for top in ("cli", "examples"):
            for public in ("cornu.h", "model/model.h", "tensor/t.h", "image/image.h"):
                self.assertEqual(check(tree | {f"{top}/a.cc": f"cornu/{public}"})[0], 0, public)
            status, lines = check(tree | {f"{top}/a.cc": "cornu/kernels/k.h"})
            self.assertEqual(status, 1)
            self.assertIn(f"{top}/a.cc:2: cornu/cornu.h does not reach it: cornu/kernels/k.h", lines[0])

    def test_tests_are_free_and_seen_by_tests_only(self):
        self.assert_bad("cornu/ops/a.cc", "tests/support/compare.h", "only tests include tests/")
        status, lines = check({"cornu/ops/a_test.cc": "cornu/model/model.h", "cornu/ops/a.cc": []})
        self.assertEqual((status, lines), (0, ["1 files, 0 complaints"]))

    def test_new_folders_need_a_line_in_the_table(self):
        status, lines = check({"cornu/misc/a.cc": []})
        self.assertEqual(status, 1)
        self.assertIn("cornu/misc/ has no line in the table", lines[0])

    def test_an_empty_tree_is_a_mistake(self):
        self.assertEqual(check({"README.md": []})[0], 1)


if __name__ == "__main__":
    unittest.main()
