"""What scripts/check_layers.py finds and what it lets pass, each on a small tree of its own."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import check_layers  # noqa: E402


def problems(files):
    """What is wrong with a tree of these files (name -> text); READMEs are added where they lack."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for layer in (root / "sim").iterdir():
            if not (layer / "README.md").exists():
                (layer / "README.md").write_text(f"# {layer.name}: a layer\n", encoding="utf-8")
        return check_layers.check_tree(root)


class CheckLayers(unittest.TestCase):
    def assert_found(self, files, *parts):
        found = problems(files)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def assert_clean(self, files):
        self.assertEqual(problems(files), [])

    def test_a_layer_may_include_itself_and_those_below(self):
        self.assert_clean({"sim/network/flow.cc": '#include "sim/network/network.h"\n#include "sim/core/time.h"\n'})

    def test_a_layer_may_not_include_those_above(self):
        self.assert_found({"sim/core/time.cc": '\n#include "sim/engine/engine.h"\n'},
                          "sim/core/time.cc:2: core may not include sim/engine/engine.h")

    def test_one_header_of_a_layer_can_be_allowed_alone(self):
        self.assert_clean({"sim/workload/a.cc": '#include "sim/collective/kind.h"\n'})
        self.assert_found({"sim/workload/a.cc": '#include "sim/collective/player.h"\n'}, "workload may not include")

    def test_every_layer_but_the_highest_is_allowed_to_someone_and_no_two_allow_each_other(self):
        layers = check_layers.ALLOWED
        for layer, row in layers.items():
            for other in row.split():
                if not other.startswith("sim/"):
                    self.assertNotIn(layer, layers[other].split(), f"{layer} and {other} may include each other")
        used = {other for row in layers.values() for other in row.split()}
        self.assertEqual(set(layers) - used, {"cli"})

    def test_headers_are_included_by_their_path_from_the_root(self):
        self.assert_found({"sim/core/a.cc": '#include "time.h"\n'}, "sim/core/a.cc:1", '"sim/core/time.h"')

    def test_an_unknown_folder_is_no_layer(self):
        self.assert_found({"sim/utilities/a.cc": ""}, "sim/utilities: no such layer")

    def test_slow_headers_stay_out_of_headers(self):
        self.assert_found({"sim/config/a.h": "#pragma once\n#include <yaml-cpp/yaml.h>\n"}, "include it in a .cc file")

    def test_slow_headers_stay_in_their_layer(self):
        self.assert_found({"sim/network/a.cc": "#include <boost/graph/adjacency_list.hpp>\n"}, "belongs to topology only")
        self.assert_found({"sim/study/a.cc": "#include <CLI/CLI.hpp>\n"}, "belongs to cli only")
        self.assert_clean({"sim/cli/a.cc": "#include <CLI/CLI.hpp>\n"})

    def test_few_files_include_a_slow_header(self):
        most, _ = check_layers.HEAVY["yaml-cpp/"]
        files = {f"sim/config/a{i}.cc": "#include <yaml-cpp/yaml.h>\n" for i in range(most)}
        self.assert_clean(files)
        files["sim/config/b.cc"] = "#include <yaml-cpp/yaml.h>\n"
        self.assert_found(files, "sim/config/b.cc:1", f"at most {most} files")

    def test_threads_stay_in_the_study(self):
        loop = "void f() {\n#pragma omp parallel for\n  for (;;) {}\n}\n"
        self.assert_clean({"sim/study/a.cc": loop})
        self.assert_found({"sim/network/a.cc": loop}, "sim/network/a.cc:2", "sim/study only")
        self.assert_found({"sim/network/a.cc": "#include <mpi.h>\n"}, "sim/study only")

    def test_only_the_program_prints(self):
        for line in ("std::cout << 1;", "printf(text);", "fmt::print(text);", "#include <iostream>"):
            self.assert_clean({"sim/cli/a.cc": line + "\n"})
            self.assert_found({"sim/study/a.cc": line + "\n"}, "only sim/cli prints")
        self.assert_clean({"sim/study/a.cc": "std::snprintf(buffer, size, format); to_print(x);\n"})

    def test_only_the_program_exits(self):
        self.assert_found({"sim/study/a.cc": "void f() { exit(1); }\n"}, "only sim/cli ends the program")
        self.assert_found({"sim/study/a.cc": "void f() { std::abort(); }\n"}, "only sim/cli ends the program")
        self.assert_clean({"sim/study/a.cc": "void f() { app.exit(1); on_exit(f); }\n"})

    def test_comments_and_texts_are_no_code(self):
        self.assert_clean({"sim/core/a.cc": '// printf("x")\n/* exit(1)\n*/\nauto a = "std::cout"; auto b = R"(exit(1))";\n'
                                            "char c = '\"'; char d = '\"';\n"})

    def test_what_differs_between_machines_or_breaks_compilers_is_found(self):
        self.assert_found({"sim/core/a.cc": "std::normal_distribution<double> d;\n"}, "sim/core/rng.h")
        self.assert_found({"sim/core/a.cc": "int f() { co_return 1; }\n"}, "coroutines")
        self.assert_found({"sim/core/a.cc": "auto v = std::views::iota(1);\n"}, "oldest supported compilers")

    def test_a_header_begins_with_pragma_once(self):
        self.assert_clean({"sim/core/a.h": "// what it is\n#pragma once\n"})
        self.assert_found({"sim/core/a.h": "#include <vector>\n#pragma once\n"}, "#pragma once")

    def test_files_and_readmes_have_a_size(self):
        self.assert_clean({"sim/core/a.cc": "\n" * check_layers.MOST_LINES})
        self.assert_found({"sim/core/a.cc": "\n" * (check_layers.MOST_LINES + 1)}, "at most")
        self.assert_found({"sim/core/a.cc": "", "tests/core/a_test.cc": "\n" * (check_layers.MOST_LINES + 1)}, "at most")
        self.assert_found({"sim/core/README.md": "# core: x" + "\n" * (check_layers.MOST_README_LINES + 1)}, "README")

    def test_a_readme_begins_with_its_folder(self):
        self.assert_found({"sim/core/README.md": "#core : x\n"}, "sim/core/README.md:1", "# core: ")

    def test_a_type_is_defined_in_one_header(self):
        self.assert_found({"sim/core/a.h": "#pragma once\nstruct Thing {\n};\n",
                           "sim/engine/b.h": "#pragma once\n\ntemplate <class T>\nclass Thing final : Base {\n};\n"},
                          "sim/engine/b.h:4", "Thing", "sim/core/a.h:2")
        self.assert_clean({"sim/core/a.h": "#pragma once\nstruct Thing {\n  struct Part {\n  };\n};\n",
                           "sim/engine/b.h": "#pragma once\nstruct Thing;\nstruct Other {\n  struct Part {\n  };\n};\n"})

    def test_every_folder_has_a_readme(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "sim" / "core").mkdir(parents=True)
            self.assertEqual(len(check_layers.check_tree(Path(folder))), 1)


if __name__ == "__main__":
    unittest.main()
