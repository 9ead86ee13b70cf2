#!/usr/bin/env python3
"""bench/ makes its report of what was measured: verdicts, parts that replace each other, a picture."""
import pathlib
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import chart
import network_report
import run


def lines(ratio, cornu=10):
    """As bench_peers writes them: one network against four others, of whom
    one has no answer."""
    head = {"versions": ["A 1"], "target": "avx2", "threads": 1, "rounds": 3, "load": 0.5,
            "machine": {"processor": "P", "cores": 2, "caches": ["L1 32 KiB"]},
            "date": "2026-01-01", "commit": "abc"}
    contestants = [{"name": name, "ms": ms, "detail": ""} for name, ms in
                   (("Cornu", cornu), ("PyTorch nchw", 50), ("PyTorch channels_last", 30),
                    ("ONNX Runtime", 10 * ratio))]
    return [head, {"name": "Net", "goal": "unet", "table": "models", "threads": 1, "peak": 1e11,
                   "flops": 5e8, "contestants": contestants,
                   "absent": [{"name": "TensorFlow.js", "why": "no such layer"}]}]


class BenchReport(unittest.TestCase):
    def test_a_row_names_the_better_setting_and_misses_its_mark(self):
        text = network_report.section(lines(1.5), "n.svg")
        self.assertIn("| Net | 10 | 50 | 50 % | 30 | 3.00 | 15 | 1.50 | – | – | 1.8 ✗ |", text)
        self.assertIn("- Net, 1 thread: 1.50 of 1.8 against ONNX Runtime", text)

    def test_a_row_reaches_its_mark(self):
        text = network_report.section(lines(1.9), "n.svg")
        self.assertIn("| 19 | 1.90 | – | – | 1.8 |", text)
        self.assertIn("### Networks that fall short\n\nNothing.", text)

    def test_an_empty_cell_has_its_reason(self):
        text = network_report.section(lines(1.5) + lines(1.6), "n.svg")
        self.assertIn("### Empty cells\n\n- Net, TensorFlow.js: no such layer\n", text)
        everyone = lines(1.5)
        everyone[1]["contestants"].append({"name": "TensorFlow.js", "ms": 60, "detail": ""})
        self.assertIn("| 60 | 6.00 |", network_report.tables(everyone))
        self.assertEqual("None.", network_report.empty_cells(everyone))

    def test_nan_reaches_nothing(self):
        self.assertIn("✗", network_report.tables(lines(1.9, float("nan"))))

    def test_a_part_replaces_itself_alone(self):
        text = run.replaced(run.replaced("T\n", "a", "one\n"), "b", "two\n")
        self.assertEqual(run.replaced(text, "a", "three\n"), text.replace("one", "three"))

    def test_the_picture_is_whole(self):
        root = xml.etree.ElementTree.fromstring(chart.chart(network_report.groups(lines(1.5))))
        texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("Net", texts)
        self.assertIn("1.50", texts)


if __name__ == "__main__":
    unittest.main()
