"""An output file is written whole or not at all, and keeps what it had."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infercost.errors import BadFile
from infercost.render import writing
from tests.conftest import Run

FIT = ("fit", "--gpu", "h100", "--params", "70B")


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.json", "{\n"), ("a.csv", "key,value,unit\n"), ("a.md", "**1 accelerator"), ("a.txt", "1 accelerator")],
)
def test_the_ending_chooses_the_form(name: str, start: str, run: Run, tmp_path: Path) -> None:
    result = run(*FIT, "--output", str(tmp_path / name))
    assert (result.code, result.out) == (0, "")
    assert (tmp_path / name).read_text().startswith(start)
    assert os.listdir(tmp_path) == [name]


def test_an_answer_that_does_not_fit_is_still_written(run: Run, tmp_path: Path) -> None:
    assert run(*FIT, "--params", "1.6e12", "--gpus", "2", "--output", str(tmp_path / "a.json")).code == 3
    assert '"fits": false' in (tmp_path / "a.json").read_text()


def test_a_wrong_question_leaves_the_old_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    assert run(*FIT, "--params", "nan", "--output", str(path)).code == 2
    assert path.read_text() == "old"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    with pytest.raises(BadFile, match="no space left"):
        writing.write_file(str(path), "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_mode_and_link_are_kept(tmp_path: Path) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    writing.write_file(str(link), "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        writing.write_file(str(tmp_path / "a.txt"), "new")
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_through() -> None:
    writing.write_file(os.devnull, "gone")
    assert os.path.exists(os.devnull)


def test_a_closed_pipe_is_no_fault_of_the_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BrokenPipeError), writing.replacing(str(pipe)) as file:  # noqa: PT012
        os.close(reader)
        file.write(b"x")
        file.flush()


@pytest.fixture
def _heeded() -> Iterator[None]:
    """Signals as a shell's foreground job has them: under ``nohup`` some of them are ignored."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_heeded")
@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit)],
)
def test_a_signal_waits_until_it_is_asked_for(number: signal.Signals, error: type[BaseException]) -> None:
    before, reached = signal.getsignal(number), []
    with pytest.raises(error) as ended, writing.signals_wait() as end_if_asked:  # noqa: PT012
        end_if_asked()
        os.kill(os.getpid(), number)
        reached.append("after the signal")
        end_if_asked()
        reached.append("after it was asked for")
    assert reached == ["after the signal"]
    assert getattr(ended.value, "code", None) == (None if error is KeyboardInterrupt else 128 + number)
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("_heeded")
def test_a_signal_that_nobody_asked_for_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), writing.signals_wait():
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("_heeded")
def test_a_second_signal_does_not_wait() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), writing.signals_wait():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the first")
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the second")
    assert reached == ["after the first"]
