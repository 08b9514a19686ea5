"""A wasi:cli command made by componentize-py: the same command as go/tool and c/tool.c."""

import os
import pathlib
import socket
import sys
import time

from wit_world.exports import Run as Exported


class Run(Exported):
    def run(self) -> None:
        try:
            main(sys.argv[1:])
        except OSError as error:
            print(error, file=sys.stderr)
            sys.exit(1)


def main(args: list[str]) -> None:
    match args:
        case []:
            print("hello from python")
        case ["args", *rest]:
            for arg in rest:
                print(f"<{arg}>")
        case ["env", name]:
            print(os.environ.get(name, "unset"))
        case ["environ"]:
            for name, value in os.environ.items():
                print(f"{name}={value}")
        case ["cat", path]:
            sys.stdout.write(pathlib.Path(path).read_text())
        case ["write", path, text]:
            pathlib.Path(path).write_text(text)
        case ["ls", path]:
            print("\n".join(os.listdir(path)))
        case ["upper"]:
            for line in sys.stdin:
                sys.stdout.write(line.upper())
        case ["exit", code]:
            sys.exit(int(code))
        case ["dial", address]:
            dial(address)
        case ["sleep"]:
            time.sleep(3600)
        case ["spin"]:
            while True:
                pass
        case ["panic"]:
            raise RuntimeError("the guest gives up")
        case _:
            print(f"unknown: {args}", file=sys.stderr)
            sys.exit(1)


def dial(address: str) -> None:
    host, port = address.rsplit(":", 1)
    # Not create_connection: it looks the name up, for which Python would load a codec that is not in
    # the component.
    with socket.socket() as connection:
        connection.connect((host, int(port)))
        connection.sendall(b"ping\n")
        print(connection.recv(100).decode(), end="")
