#!/usr/bin/env python3
"""Holds the layers of sim/: who may include whom, where heavy headers may be seen, who may print or use threads.

Usage: check_layers.py [ROOT]. Prints one line for each violation ("file:line: what is wrong") and exits with 1 if there
is any. Runs as the test checks/layers.
"""
import re
import sys
from pathlib import Path

# a folder may include itself, and what its row names; "sim/x/y.h" names one header
UP_TO_COLLECTIVE = "core config engine hardware topology compute network collective"
UP_TO_SYSTEM = UP_TO_COLLECTIVE + " workload system"
UP_TO_CALIBRATION = UP_TO_SYSTEM + " serving economics calibration"
ALLOWED = {
    "core": "",
    "config": "core",
    "engine": "core",
    "hardware": "core config",
    "topology": "core config",
    "compute": "core config hardware",
    "network": "core config engine topology",
    "collective": "core config engine hardware topology compute network",
    "workload": "core config hardware compute sim/collective/kind.h",
    "system": UP_TO_COLLECTIVE + " workload",
    "serving": UP_TO_SYSTEM,
    "economics": UP_TO_SYSTEM,
    "calibration": UP_TO_SYSTEM + " serving economics",
    "study": UP_TO_CALIBRATION,
    "report": UP_TO_CALIBRATION + " study",
    "cli": UP_TO_CALIBRATION + " study report",
}

# header's beginning -> (most source files that may include it, folders where it may be; None: any)
HEAVY = {
    "boost/graph/": (2, {"topology"}),
    "yaml-cpp/": (2, {"config"}),
    "Eigen/": (3, {"calibration"}),
    "expat.h": (1, {"config"}),
    "nlohmann/json": (15, None),
    "CLI/": (99, {"cli"}),
}
ONLY_IN_SOURCES = ("fmt/", "iostream", "regex")

# a pattern in the code (comments and texts taken out) -> the only folder where it may be
ONLY_IN = [
    (re.compile(r"#\s*pragma\s+omp\b|\bomp_\w+\(|#\s*include\s*<(omp|mpi)\.h>|\bMPI_\w+"), "study",
     "OpenMP and MPI belong to sim/study only"),
    (re.compile(r"\bstd::(cout|cerr|clog|puts|printf|fprintf)\b|\b(printf|fprintf|puts|putchar)\s*\("
                r"|\bfmt::print(ln)?\s*\(|#\s*include\s*<(iostream|print)>"), "cli",
     "only sim/cli prints"),
    (re.compile(r"(?<![\w.:>])(std::)?(exit|_Exit|quick_exit|abort|terminate)\s*\("), "cli",
     "only sim/cli ends the program; throw InputError, RunError or Bug"),
]
EVERYWHERE = [
    (re.compile(r"\bstd::(uniform_\w+|normal|lognormal|exponential|poisson|gamma|bernoulli|discrete)_distribution\b"
                r"|\bstd::random_device\b|\bs?rand\s*\("), "not the same on every machine; use sim/core/rng.h"),
    (re.compile(r"\bstd::views::|#\s*include\s*<(ranges|source_location|format|expected)>"),
     "the oldest supported compilers cannot read it"),
    (re.compile(r"\bco_(await|yield|return)\b"), "no coroutines: gcc 12 miscompiles some"),
]

MOST_LINES = 500
MOST_README_LINES = 40

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
DEFINED_TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)\b(?!::)[^;{]*\{", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def without_comments_and_texts(source):
    """The code alone, every line where it was; what an #include names stays."""

    def blank(match):
        line_start = source.rfind("\n", 0, match.start()) + 1
        if match.group().startswith('"') and re.match(r"\s*#\s*include", source[line_start:match.start()]):
            return match.group()
        return "\n" * match.group().count("\n") or " "

    return COMMENT_OR_TEXT.sub(blank, source)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_file(path, name, folder, heavy_users):
    source = path.read_text(encoding="utf-8")
    code = without_comments_and_texts(source)
    lines = source.count("\n")
    if lines > MOST_LINES:
        yield f"{name}:{lines}: a file has at most {MOST_LINES} lines"
    if path.suffix == ".h" and not code.lstrip().startswith("#pragma once"):
        yield f"{name}:1: a header begins with #pragma once"
    for match in INCLUDE.finditer(code):
        place = f"{name}:{line_of(code, match.start(1))}"
        yield from check_include(place, match.group(1), match.group(2), name, folder, heavy_users)
    for pattern, only, why in ONLY_IN:
        for match in pattern.finditer(code) if folder != only else ():
            yield f"{name}:{line_of(code, match.start())}: '{match.group().strip()}': {why}"
    for pattern, why in EVERYWHERE:
        for match in pattern.finditer(code):
            yield f"{name}:{line_of(code, match.start())}: '{match.group().strip()}': {why}"


def check_include(place, quote, header, name, folder, heavy_users):
    if header.startswith("sim/"):
        other = header.split("/")[1]
        if other != folder and other not in ALLOWED[folder].split() and header not in ALLOWED[folder].split():
            yield f"{place}: {folder} may not include {header} (it may include: {ALLOWED[folder] or 'nothing'})"
    elif quote == '"':
        yield f"{place}: include \"{header}\" by its path from the root (\"sim/{folder}/{header}\")"
    for heavy, (most, folders) in HEAVY.items():
        if header.startswith(heavy):
            heavy_users.setdefault(heavy, set()).add(name)
            if name.endswith(".h"):
                yield f"{place}: <{header}> is slow to compile: include it in a .cc file"
            if folders is not None and folder not in folders:
                yield f"{place}: <{header}> belongs to {' and '.join(sorted(folders))} only"
            if len(heavy_users[heavy]) > most:
                yield f"{place}: <{header}> is slow to compile: at most {most} files include it"
    if name.endswith(".h") and header.startswith(ONLY_IN_SOURCES):
        yield f"{place}: include <{header}> in .cc files only"


def check_types(headers, root):
    """One definition a name: two headers that define the same type cannot meet, and linked together they are undefined."""
    seen = {}
    for path in headers:
        code = without_comments_and_texts(path.read_text(encoding="utf-8"))
        for match in DEFINED_TYPE.finditer(code):
            place = f"{path.relative_to(root)}:{line_of(code, match.start())}"
            first = seen.setdefault(match.group(1), place)
            if first != place:
                yield f"{place}: {match.group(1)} is a type of {first} already"


def check_readme(folder, name):
    readme = folder / "README.md"
    if not readme.is_file():
        yield f"{name}: a folder has a README.md (what it is for, key types, contract, how to add one)"
        return
    text = readme.read_text(encoding="utf-8")
    if not text.startswith(f"# {folder.name}: "):
        yield f"{name}/README.md:1: a folder's README begins with '# {folder.name}: ' and what it is for"
    if (lines := text.count("\n")) > MOST_README_LINES:
        yield f"{name}/README.md:{lines}: a folder's README has at most {MOST_README_LINES} lines"


def check_tree(root):
    """All violations under `root`, in the order of the files' names."""
    problems, heavy_users = [], {}
    for folder in sorted(path for path in (root / "sim").iterdir() if path.is_dir()):
        name = f"sim/{folder.name}"
        if folder.name not in ALLOWED:
            problems.append(f"{name}: no such layer (there are: {' '.join(ALLOWED)})")
            continue
        problems.extend(check_readme(folder, name))
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".h", ".cc"):
                problems.extend(check_file(path, str(path.relative_to(root)), folder.name, heavy_users))
    problems.extend(check_types(sorted((root / "sim").rglob("*.h")), root))
    for path in sorted((root / "tests").rglob("*.cc")) if (root / "tests").is_dir() else ():
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MOST_LINES:
            problems.append(f"{path.relative_to(root)}:{lines}: a file has at most {MOST_LINES} lines")
    return problems


if __name__ == "__main__":
    found = check_tree(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "the layers hold")
    sys.exit(1 if found else 0)
