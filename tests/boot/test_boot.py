# SPDX-License-Identifier: BSD-2-Clause
"""The runner of the boot tests: each case of cases.py is one QEMU, started by scripts/run, talked to through pexpect.

Cases run several at a time (BOOT_JOBS, default the number of CPUs), in processes of their own because a terminal is forked
for each; pytest sees one test for each and reports them in order.
What a case printed is in O/boot-logs/NAME.log, what tests/plugin found in NAME.archcheck.
"""
import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import re
import shlex
import time

import pexpect
import pytest

import boards
import cases
import entries
import machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / os.environ.get("O", "build")
LOGS = OUT / "boot-logs"
CASES = cases.CASES + entries.CASES + boards.CASES
JOBS = int(os.environ.get("BOOT_JOBS", os.cpu_count() or 1))
# A loaded machine is slow, a hanging kernel is slow for ever.
SLOWNESS = float(os.environ.get("BOOT_SLOWNESS", "1"))


class Failed(Exception):
    """What a case wanted and did not get."""


def environment(case, options=""):
    """What scripts/run gets, and more options for QEMU."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}
    env["O"] = str(OUT / case.kernel)
    env["BOARDS"] = str(OUT / "boards")
    if case.uart0 is not None:
        env["UART0"] = str(LOGS / case.name) + ".uart0"
    for name, value in case.run.items():
        env[name] = str(value(OUT) if callable(value) else value)
    if case.append:
        env["APPEND"] = case.append
    plugin = f"{OUT / 'archcheck.so'},log={LOGS / case.name}.archcheck,map={OUT / case.kernel / 'System.map'}"
    env["QEMU_EXTRA"] = f"{env.get('QEMU_EXTRA', '')} -plugin file={plugin} {options or ''}".strip()
    return env


def reproduce(case):
    """The case as a command line."""
    env = environment(case)
    for name in ("PATH", "HOME", "TMPDIR", "LANG"):
        env.pop(name, None)
    return " ".join(f"{k}={shlex.quote(v)}" for k, v in env.items()) + " scripts/run"


def peek(child, case, step):
    """Ask QEMU's monitor, which shares the console (Ctrl-A C), until it answers as expected."""
    question = step.command
    if callable(question):
        question = question((OUT / case.kernel / "Image").read_bytes())
    deadline = time.monotonic() + child.timeout
    child.send("\x01c")
    child.expect_exact("(qemu) ")
    while True:
        child.sendline(question)
        child.expect_exact("(qemu) ")
        # The monitor edits its line with escape sequences.
        if re.search(step.answer, re.sub(r"\x1b\[\w", "", child.before)):
            break
        if time.monotonic() > deadline:
            raise Failed(f"QEMU's answer to '{question}' is not: {step.answer}")
        time.sleep(0.2)
    child.send("\x01c")


def next_stop(case, start):
    """The function to stop at after that many steps, None if there is none."""
    return next((step.symbol for step in case.steps[start:] if isinstance(step, cases.Stop)), None)


def act(stopped, case, index):
    """The machine comes to its stop; what is to be done there, and on to the next one."""
    step = case.steps[index]
    try:
        stopped.wait(step.symbol)
        step.action(stopped)
        stopped.go(next_stop(case, index + 1))
    except (AssertionError, OSError) as error:
        raise Failed(f"stopped at {step.symbol}: {error!r}") from error


def converse(child, case, stopped):
    """Expect and send in the order of the case's steps. True if it ended as it may."""
    if stopped:
        stopped.connect()
        stopped.go(next_stop(case, 0))
    for index, step in enumerate(case.steps):
        if isinstance(step, cases.Stop):
            act(stopped, case, index)
            continue
        if isinstance(step, cases.Send):
            child.expect_exact(step.prompt)
            child.sendline(step.text)
            continue
        if isinstance(step, cases.Peek):
            peek(child, case, step)
            continue
        found = child.expect([step, pexpect.EOF, pexpect.TIMEOUT, *([case.may_end] if case.may_end else [])])
        if found == 3:
            return True
        if found == 1:
            raise Failed(f"the machine ended before: {step}")
        if found == 2:
            raise Failed(f"did not come in {child.timeout:.0f} s: {step}")
    return False


def finish(child, case):
    """Wait for QEMU's end, unless the case is over where it stands. Returns the exit status."""
    if case.status is None:
        child.close(force=True)
        return None
    if child.expect([pexpect.EOF, pexpect.TIMEOUT]) == 1:
        raise Failed("QEMU does not end")
    child.close()
    if child.exitstatus is None:
        raise Failed(f"QEMU was ended by signal {child.signalstatus}")
    return child.exitstatus


def check_output(case, output):
    """What must not be there, how much may be there, and how often."""
    for bad in case.forbid:
        found = re.search(bad, output)
        if found:
            raise Failed(f"must not be printed: {found.group(0)!r}")
    for pattern, times in case.count.items():
        got = len(re.findall(pattern, output))
        if got != times:
            raise Failed(f"printed {got} times, not {times}: {pattern}")
    before, prompt, _ = output.partition(cases.PROMPT)
    if prompt and case.max_characters and len(before) > case.max_characters:
        raise Failed(f"{len(before)} characters before the prompt, {case.max_characters} are possible")


def check_uart0(case):
    """What the other port has said."""
    if case.uart0 is None:
        return
    text = text_of(LOGS / f"{case.name}.uart0")
    for pattern in case.uart0:
        if not re.search(pattern, text):
            raise Failed(f"the first port does not say: {pattern}\n{text[-2000:]}")
    for bad in case.forbid:
        if bad in cases.TROUBLE and re.search(bad, text):
            raise Failed(f"must not be printed on the first port: {bad}")


def check_architecture(case):
    """Every boot runs under archcheck: it must have seen the Image run, and have nothing to report."""
    log = LOGS / f"{case.name}.archcheck"
    deadline = time.monotonic() + 10  # QEMU may be on its way out
    while " reports, " not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    text = log.read_text()
    if not re.match(r"archcheck: Image at 0x\w+\n", text) or "\narchcheck: 0 reports, " not in text:
        raise Failed(f"archcheck, in {log}:\n{text[:2000]}")


def text_of(log):
    """What the case printed, with one kind of line end."""
    return log.read_bytes().decode("utf-8", "replace").replace("\r", "")


def run(case):
    """Boot one case. Returns None, or the text of what went wrong."""
    log = LOGS / f"{case.name}.log"
    stopped = None
    if next_stop(case, 0):
        stopped = machine.Machine(OUT / case.kernel, case.timeout * SLOWNESS)
    with open(log, "w+", encoding="utf-8", errors="replace", newline="") as out:
        child = pexpect.spawn(
            "scripts/run", env=environment(case, stopped and stopped.options), cwd=ROOT, timeout=case.timeout * SLOWNESS, encoding="utf-8",
            codec_errors="replace", echo=False, dimensions=(50, 300))
        child.logfile_read = out
        child.delaybeforesend = None
        try:
            ended = converse(child, case, stopped)
            status = case.status if ended else finish(child, case)
            if ended:
                child.close(force=True)
            if status != case.status:
                raise Failed(f"exit status {status}, not {case.status}")
            out.flush()
            check_output(case, text_of(log))
            check_uart0(case)
            check_architecture(case)
        except (Failed, pexpect.ExceptionPexpect) as error:
            out.flush()
            return f"{case.name}: {error}\n{reproduce(case)}\n--- end of {log}\n{text_of(log)[-3000:]}"
        finally:
            child.close(force=True)
            if stopped:
                stopped.close()
    return None


def sweep(boots):
    """Boot one after the other until one is clean. Returns None, or the text of what went wrong."""
    for n in itertools.count(1):
        case = boots.boot(n)
        wrong = run(case)
        if wrong:
            return wrong
        if re.search(boots.clean, text_of(LOGS / f"{case.name}.log")):
            return None if n > boots.at_least else f"{boots.name}: clean at {n}, that is too soon"


def run_named(name):
    """For the other process, which has lists of its own."""
    boots = next((boots for boots in cases.SWEEPS if boots.name == name), None)
    return sweep(boots) if boots else run(next(case for case in CASES if case.name == name))


@pytest.fixture(scope="session")
def results(request):
    """Start every selected case at once, JOBS at a time."""
    LOGS.mkdir(parents=True, exist_ok=True)
    selected = [item.callspec.params["case"] for item in request.session.items if "case" in item.fixturenames]
    with concurrent.futures.ProcessPoolExecutor(JOBS, multiprocessing.get_context("spawn")) as pool:
        futures = {case.name: pool.submit(run_named, case.name) for case in selected}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("case", CASES + cases.SWEEPS, ids=lambda case: case.name)
def test_boot(case, results):
    """One boot, or one after the other."""
    wrong = results[case.name].result()
    if wrong:
        pytest.fail(wrong, pytrace=False)
