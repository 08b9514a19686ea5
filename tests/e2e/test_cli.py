"""The command line: help, exit codes, errors that say what to do, completions, the terminal chat."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
import quern

COMMANDS = ["chat", "run", "serve", "compile", "new", "model", "pack", "compose", "inspect", "push", "pull", "sign",
            "verify", "doctor", "completion", "version"]


@pytest.fixture
def run(home):
    return lambda *args, **more: quern.quern(*args, home=home, **more)


# ---- start -----------------------------------------------------------------------------------------------


def test_the_chat_server_starts_from_the_machine_code_of_the_build(script, tmp_path):
    with quern.Server("--fake-model", script, home=tmp_path):
        compiled = [f.name for f in tmp_path.rglob("code/*") if not f.name.startswith("key")]
    assert compiled == [], "it was compiled anew, so what was built in did not fit"


def test_libraries_are_looked_for_beside_the_program_only():
    text = subprocess.check_output(["readelf", "--dynamic", "--wide", quern.binary()], text=True)
    assert re.findall(r"RUNPATH.*\[(.*)\]", text) == ["$ORIGIN/../lib/quern"]


# ---- help ------------------------------------------------------------------------------------------------


def test_help_names_every_command(run):
    for asked in (["--help"], ["help"], ["-h"]):
        page = run(*asked)
        assert page.code == 0 and not page.err
        assert all(re.search(rf"^  {command}\b", page.out, re.M) for command in COMMANDS)
    assert max(map(len, page.out.splitlines())) <= 100


@pytest.mark.parametrize("command", [[c] for c in COMMANDS] + [["model", c] for c in ("pull", "ls", "show", "rm")])
def test_every_command_has_a_page(run, command):
    page = run(*command, "--help")
    assert page.code == 0 and page.out.startswith(f"quern {' '.join(command)} - "), page.out[:100]
    assert run("help", *command).out == page.out


def test_exit_codes_are_documented(run):
    page = run("help", "exit-codes").out
    documented = set(re.findall(r"^ +(\d+)  ", page, re.M))
    assert {"0", "1", "2", "3", "4", "5", "124", "130", "134"} <= documented


def test_the_version(run):
    asked = {run(*words).out for words in (["--version"], ["version"])}
    assert len(asked) == 1 and re.fullmatch(r"quern \d+\.\d+\.\d+\S*\n", asked.pop())


# ---- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args, says", [
    (["serv"], '"serve"'),
    (["--prot", "80"], '"--port"'),
    (["model", "pul", "x"], '"pull"'),
    (["--port", "70000"], "--port"),
    (["--port", "http"], "--port"),
    (["--no-such-option"], "--no-such-option"),
    (["run"], "FILE.wasm"),
    (["serve"], "FILE.wasm"),
    (["model"], "--help"),
    (["run", "--timeout", "soon", "x.wasm"], "--timeout"),
    (["run", "--memory", "lots", "x.wasm"], "--memory"),
    (["completion", "tcsh"], "bash"),
    (["--tls-cert", "x"], "--tls-key"),
    (["chat", "--temperature", "9", "hi"], "--temperature"),
])
def test_a_wrong_command_line_says_what_was_meant(run, args, says):
    ended = run(*args)
    assert ended.code == 2 and not ended.out
    assert ended.err.startswith("quern: ") and says in ended.err and re.search("try: |examples: ", ended.err), ended.err


def test_an_unknown_model_says_where_names_are_listed(run):
    ended = run("--model", "no-such-model-anywhere", "--no-open", "--port", "0")
    assert ended.code == 3 and "no-such-model-anywhere" in ended.err and "quern model ls" in ended.err


def test_without_any_source_the_default_model_fails_with_advice(fresh_home):
    ended = quern.quern("--no-open", "--port", "0", home=fresh_home)
    assert ended.code == 5 and ended.err.count("\n") < 30 and "quern: " in ended.err


def test_an_address_that_is_not_here(run, script):
    ended = run("--fake-model", script, "--no-open", "--port", "0", "--host", "192.0.2.1")
    assert ended.code not in (0, 134, 139) and "192.0.2.1" in ended.err


def test_no_home_is_told(script):
    done = subprocess.run([quern.binary(), "--fake-model", script, "--no-open", "--port", "0"], env={}, capture_output=True,
                          text=True, timeout=quern.PATIENCE_S)
    assert done.returncode == 5 and "HOME" in done.stderr


@pytest.mark.parametrize("args", [["--help"], ["model", "ls"], ["version"]])
def test_output_that_cannot_be_written_is_a_failure(home, args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([quern.binary(), *args], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=quern.environment(home), timeout=quern.PATIENCE_S)
    assert done.returncode == 1
    assert done.stderr.startswith("quern: ") and "No space left on device" in done.stderr


def test_who_listens_to_everybody_is_warned_once_it_listens(run, script):
    ended = run("--fake-model", script, "--no-open", "--port", "0", "--host", "999.1.1.1")
    assert ended.code != 0 and "999.1.1.1" in ended.err
    assert "everybody" not in ended.err, "nobody can reach what does not listen"


def test_a_full_pipe_or_a_closed_one_is_no_crash(home):
    process = subprocess.Popen([quern.binary(), "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quern.environment(home))
    process.stdout.close()
    process.wait(quern.PATIENCE_S)
    assert process.returncode == 0, "a reader that went away is no failure"


# ---- completions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell, check", [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_a_completion_script_is_valid(run, tmp_path, shell, check):
    script = run("completion", shell)
    assert script.code == 0
    assert all(command in script.out for command in COMMANDS) and "--model" in script.out or "model" in script.out
    if not shutil.which(check[0]):
        pytest.skip(f"NOT TESTED further: {shell} is not on this machine")
    (tmp_path / "script").write_text(script.out)
    subprocess.run([*check, tmp_path / "script"], check=True)


def test_bash_completes_commands_and_options(run, tmp_path):
    (tmp_path / "script").write_text(run("completion", "bash").out)

    def complete(*words: str) -> set[str]:
        line = f'''. {tmp_path}/script; COMP_WORDS=({" ".join(map(repr, words))}); COMP_CWORD={len(words) - 1}
            COMP_LINE="{" ".join(words)}"; COMP_POINT=${{#COMP_LINE}}
            f=$(complete -p quern | sed -E 's/.*-F ([^ ]+).*/\\1/'); $f quern "{words[-1]}" "{words[-2]}"
            printf '%s\\n' "${{COMPREPLY[@]}}"'''
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        return set(done.stdout.split())

    assert {"serve", "run", "model"} <= complete("quern", "")
    assert complete("quern", "comp") >= {"compile", "completion"}
    assert {"pull", "ls", "show", "rm"} <= complete("quern", "model", "")
    assert "--timeout" in complete("quern", "run", "--ti")


# ---- doctor ------------------------------------------------------------------------------------------------


def test_doctor(run):
    told = run("doctor")
    assert told.code == 0, told.out
    for name in ("processor", "memory", "models run on", "guests run on", "port"):
        assert re.search(rf"^  (ok|note)\s+{name}\s+\S", told.out, re.M), name


def test_doctor_as_json(run):
    told = run("doctor", "--json")
    found = json.loads(told.out)
    assert found["works"] is True
    assert {"processor", "memory", "models run on", "guests run on", "data", "models"} <= {f["name"] for f in found["findings"]}
    assert all(finding["state"] in ("ok", "note") and finding["text"] for finding in found["findings"])


# ---- the terminal chat -----------------------------------------------------------------------------------------


def test_one_question_on_the_command_line(run, smollm2):
    ended = run("chat", "--model", smollm2, "--temperature", "0", "--max-tokens", "16", "What is the capital of France?")
    assert ended.code == 0 and len(ended.out.split()) > 2


def test_a_question_through_a_pipe(run, smollm2):
    ended = run("chat", "--model", smollm2, "--temperature", "0", "--max-tokens", "16", stdin="What is the capital of France?\n")
    assert ended.code == 0 and len(ended.out.split()) > 2
    assert "\x1b" not in ended.out, "colours belong to terminals"


def test_text_through_a_pipe_and_a_question(run, script):
    ended = run("chat", "--fake-model", script, "Summarise", stdin="some long text\n")
    assert (ended.code, ended.out.strip()) == (0, "Hello from the script.")


def test_an_empty_pipe_asks_nothing(run, script):
    ended = run("chat", "--fake-model", script, stdin="")
    assert ended.code in (0, 2) and "Hello" not in ended.out


def test_an_error_of_the_model_is_an_exit_code(run, script):
    ended = run("chat", "--fake-model", script, "break")
    assert ended.code == 1 and "as the script says" in ended.err


class Terminal:
    """`quern chat` in a terminal of its own."""

    def __init__(self, *args, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(quern.binary(), ["quern", *map(str, args)], {**quern.environment(home), "TERM": "xterm"})
        self.seen = ""

    def read_until(self, pattern: str) -> str:
        end = time.monotonic() + quern.PATIENCE_S
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, f"{pattern} never came:\n{self.seen}"
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:  # the other side is closed
                    data = b""
                if not data:
                    assert re.search(pattern, self.seen), f"it ended before {pattern}:\n{self.seen}"
                    break
                self.seen += data.decode(errors="replace")
        match = re.search(pattern, self.seen)
        before, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return before

    def type(self, text: str):
        os.write(self.fd, text.encode())

    def code(self) -> int:
        os.set_blocking(self.fd, False)
        end = time.monotonic() + quern.PATIENCE_S
        while time.monotonic() < end:
            try:
                os.read(self.fd, 65536)
            except (BlockingIOError, OSError):
                pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.pid, 9)
        raise AssertionError("it does not end")


def test_a_conversation_in_a_terminal(home, script):
    terminal = Terminal("chat", "--fake-model", script, home=home)
    terminal.read_until("> ?$|/help")
    terminal.type("hello\r")
    terminal.read_until("Hello from the script.")
    terminal.type("/help\r")
    terminal.read_until("/(quit|exit|bye)")
    terminal.type("hello again\r")
    terminal.read_until("Hello from the script.")
    terminal.type("\x04")
    assert terminal.code() == 0


def test_what_is_typed_during_an_answer_is_read_after_it(home, script):
    terminal = Terminal("chat", "--fake-model", script, home=home)
    terminal.read_until("> ?$|/help")
    terminal.type("ten steps\r")
    terminal.read_until("step 1")
    terminal.type("hello\r")
    terminal.read_until("Hello from the script.")
    terminal.read_until("> ")
    terminal.type("ten steps\r")
    terminal.read_until("step 1")
    terminal.type("\x04")
    terminal.read_until("step 9")
    assert terminal.code() == 0


def test_ctrl_c_ends_an_answer_and_not_the_chat(home, script):
    terminal = Terminal("chat", "--fake-model", script, home=home)
    terminal.read_until("> ?$|/help")
    terminal.type("a long time\r")
    terminal.read_until("word 3")
    terminal.type("\x03")
    time.sleep(0.3)
    terminal.type("hello\r")
    terminal.read_until("Hello from the script.")
    terminal.type("\x04")
    assert terminal.code() == 0
