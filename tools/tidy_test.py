#!/usr/bin/env python3
"""Breaks each rule of tools/tidy once, in a small repository, and expects to be told."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parent / "tidy"
README = "\n".join(f"// {w} x" for w in ("For:", "Refuses:", "Owns:", "Threads:", "Errors:"))
GOOD = {
    "ARCHITECTURE.md": "```arrows\nbase -> -\nwasm -> base\nhttp -> base\n```\n"
                       "```homes\nnlohmann/* -> http\nwasmtime* -> wasm\n```\n"
                       "```folders\nsrc/ all\nsrc/base/ x\nsrc/wasm/ x\nsrc/http/ x\n```\n",
    "src/base/error.hpp": "// What went wrong.\n#pragma once\n",
    "src/base/error.cpp": '#include "base/error.hpp"\n',
    "src/base/CMakeLists.txt": "quern_room(base SOURCES error.cpp HEADERS error.hpp)\n",
    "src/wasm/wasm.hpp": f"{README}\n#pragma once\n#include \"base/error.hpp\"\n",
    "src/wasm/inner.hpp": "#pragma once\n",
    "src/wasm/run.cpp": '#include "wasm/inner.hpp"\n#include <wasmtime.h>\n',
    "src/wasm/CMakeLists.txt": "quern_room(wasm SOURCES run.cpp HEADERS wasm.hpp)\n",
    "src/http/http.hpp": f"{README}\n#pragma once\n",
    "src/http/CMakeLists.txt": "quern_room(http HEADERS http.hpp)\n",
}


def tidy(changes: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["git", "init", "-q", root], check=True)
        for name, text in {**GOOD, **changes}.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, str(TIDY), root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Tidy(unittest.TestCase):
    def expect(self, changes: dict[str, str], *texts: str) -> None:
        code, output = tidy(changes)
        self.assertEqual(code, 1, output)
        for text in texts:
            self.assertIn(text, output)

    def test_a_clean_tree_passes(self):
        self.assertEqual(tidy({}), (0, ""))

    def test_an_arrow_backwards(self):
        self.expect({"src/base/error.cpp": '#include "wasm/wasm.hpp"\n'},
                    "src/base/error.cpp:1: base may not include wasm")

    def test_an_arrow_sideways(self):
        self.expect({"src/wasm/run.cpp": '#include "http/http.hpp"\n'}, "wasm may not include http")

    def test_another_rooms_inner_header(self):
        self.expect({"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"].replace("http -> base",
                                                                        "http -> base wasm"),
                     "src/http/http.hpp": GOOD["src/http/http.hpp"] + '#include "wasm/inner.hpp"\n'},
                    "wasm/inner.hpp is not a public header of wasm")

    def test_a_foreign_header_away_from_home(self):
        self.expect({"src/base/error.cpp": "#include <wasmtime.h>\n"},
                    "wasmtime.h stays home in wasm")

    def test_a_foreign_header_in_public(self):
        self.expect({"src/http/http.hpp": GOOD["src/http/http.hpp"] +
                     "#include <nlohmann/json.hpp>\n"}, "shows in a public header")

    def test_a_room_without_readme(self):
        self.expect({"src/http/http.hpp": "// For: x\n#pragma once\n"},
                    'README comment has no "Owns:"')

    def test_a_room_without_public_header(self):
        self.expect({"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"].replace("```folders",
                                                                        "```folders\nsrc/cli/ x"),
                     "src/cli/x.h": "\n"}, "room without a public header cli.hpp",
                    "room cli is not in ARCHITECTURE.md's arrows")

    def test_a_room_for_c(self):
        capi = {"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"].replace("http -> base", "http -> base\ncapi -> base")
                .replace("```folders", "```folders\nsrc/capi/ x"),
                "src/capi/CMakeLists.txt": "quern_room(capi HEADERS quern.h)\n"}
        self.assertEqual(tidy({**capi, "src/capi/quern.h": README + "\n"}), (0, ""))
        self.expect({**capi, "src/capi/quern.h": "// For: x\n"}, 'README comment has no "Owns:"')
        self.expect(capi, "room without a public header quern.h")

    def test_a_header_without_pragma_once(self):
        self.expect({"src/wasm/inner.hpp": "int x;\n"}, "inner.hpp:1: has no #pragma once")

    def test_a_long_file_must_say_why(self):
        self.expect({"src/wasm/run.cpp": "//\n" * 501}, "501 lines: split it")
        reason = "// Longer than 500 lines because it is a table.\n"
        self.assertEqual(tidy({"src/wasm/run.cpp": reason + "//\n" * 501}), (0, ""))

    def test_a_source_nobody_builds(self):
        self.expect({"src/wasm/lost.cpp": "\n"}, "lost.cpp:1: is not named in")

    def test_a_stray_note(self):
        self.expect({"src/wasm/run.cpp": "// TODO later\n"}, "run.cpp:1: TODO without an issue")
        self.assertEqual(tidy({"src/wasm/run.cpp": "// TODO(#12) later\n"}), (0, ""))

    def test_hosts_and_paths(self):
        self.expect({"src/wasm/run.cpp": '"https://' + "pypi" + '.org/x"\n"' + "/ro" + 'ot/x"\n'},
                    "run.cpp:1: names a package registry", "run.cpp:2: holds a path")

    def test_threads(self):
        run = "std::jthread thread_([] { %s });\n"
        self.expect({"src/base/error.cpp": run % ""}, "error.cpp:1: a thread without a name")
        self.expect({"src/base/error.cpp": run % 'name_this_thread("quern-x");'},
                    "error.cpp:1: ARCHITECTURE.md's thread table misses quern-x")
        rows = GOOD["ARCHITECTURE.md"] + "| `quern-x` | base |\n"
        self.expect({"ARCHITECTURE.md": rows}, "the thread table names quern-x, which is not there")

    def test_folders(self):
        self.expect({"extra/a.txt": "x\n"}, "misses extra/")
        self.expect({"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"].replace(
            "```folders", "```folders\ngone/ x")}, "names gone/, which is not there")


if __name__ == "__main__":
    unittest.main()
