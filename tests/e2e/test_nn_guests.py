"""Programs for WasmEdge, written in Rust with its own crates (wasmedge-wasi-nn, wasmedge_wasi_socket).

Here: that they ask of their host what such programs ask, no more and in these types. They are foreign
to Quern; a change of a crate or compiler that changes their imports is seen here first.
"""

import re
import subprocess

import pytest
from build import need

# Parameters of each function; all are i32, as is the one result.
NN = {"load_by_name": 3, "load_by_name_with_config": 5, "init_execution_context": 2, "set_input": 3, "compute": 1,
      "compute_single": 1, "get_output": 5, "get_output_single": 5, "fini_single": 1, "unload": 1}
SOCKETS = {"sock_open": 3, "sock_bind": 3, "sock_listen": 2, "sock_accept": 2, "sock_connect": 3, "sock_recv": 6,
           "sock_send": 5, "sock_shutdown": 2, "sock_setsockopt": 5, "sock_getlocaladdr": 4, "sock_getpeeraddr": 4,
           "sock_getaddrinfo": 8}

ASKS = {
    "rust/nn-basic": {"load_by_name", "init_execution_context", "set_input", "compute", "get_output", "unload"},
    "rust/nn-stream": {"load_by_name", "init_execution_context", "set_input", "compute_single", "get_output_single",
                       "fini_single"},
    "rust/nn-metadata": {"load_by_name", "load_by_name_with_config", "init_execution_context", "set_input", "compute",
                         "get_output"},
    "rust/nn-embedding": {"load_by_name_with_config", "init_execution_context", "set_input", "compute", "get_output"},
    "rust/nn-sockets": set(SOCKETS),
}


def imports(program) -> dict[tuple[str, str], tuple[int, int]]:
    """(module, name) of each function that it imports, with its numbers of i32 parameters and results."""
    text = subprocess.check_output([need("wasm-tools", "deps/setup.sh tests"), "print", program], text=True)
    found = {}
    for module, name, rest in re.findall(r'^  \(import "([^"]+)" "([^"]+)" \(func (.*)$', text, re.M):
        shape = [re.search(rf"\({kind}((?: \w+)+)\)", rest) for kind in ("param", "result")]
        words = [match.group(1).split() if match else [] for match in shape]
        found[module, name] = tuple(len(types) if set(types) <= {"i32"} else -1 for types in words)
    return found


@pytest.mark.parametrize("name", ASKS)
def test_what_it_asks_of_its_host(guest, name):
    asked = imports(guest(name))
    assert {module for module, _ in asked} <= {"wasi_ephemeral_nn", "wasi_snapshot_preview1"}
    special = {function: shape for (module, function), shape in asked.items()
               if module == "wasi_ephemeral_nn" or function.startswith("sock_")}
    assert special == {function: ((NN | SOCKETS)[function], 1) for function in ASKS[name]}
