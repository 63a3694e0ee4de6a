"""A hub id, against a small hub on the loopback interface."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import bare_env
from tests.models.test_config import LLAMA

CONFIG = json.dumps({**LLAMA, "num_hidden_layers": 4}).encode()


class Hub(BaseHTTPRequestHandler):
    """Answers for one repository with one file."""

    def _head(self) -> bool:
        exists = self.path == "/acme/tiny/resolve/main/config.json"
        self.send_response(200 if exists else 404)
        if exists:
            self.send_header("ETag", '"abc"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(CONFIG)))
        else:
            self.send_header("X-Error-Code", "EntryNotFound" if "/acme/tiny/" in self.path else "RepoNotFound")
            self.send_header("Content-Length", "0")
        self.end_headers()
        return exists

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        if self._head():
            self.wfile.write(CONFIG)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(name: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """``fit`` of a hub id in a process of its own: the hub's client reads its settings when it is loaded."""
    command = [sys.executable, "-m", "infercost", "fit", "--model", name, "--gpu", "h100", "--json"]
    settings = {"HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", **env}
    return subprocess.run(command, capture_output=True, text=True, env=bare_env(**settings))


def test_a_hub_id_is_fetched_once_and_then_found_offline(endpoint: str, tmp_path: Path) -> None:
    process = ask("acme/tiny", tmp_path, HF_ENDPOINT=endpoint)
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["results"]["kv_bytes_per_token"] == 4 * 2 * 8 * 128 * 2
    again = ask("acme/tiny", tmp_path, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("name", "env", "reason"),
    [
        ("acme/other", {}, "no such public repository"),
        ("acme/tiny", {"HF_HUB_OFFLINE": "1"}, "cache does not hold it"),
    ],
)
def test_what_the_hub_lacks_is_one_line(
    name: str, env: dict[str, str], reason: str, endpoint: str, tmp_path: Path
) -> None:
    process = ask(name, tmp_path, **{"HF_ENDPOINT": endpoint, **env})
    assert (process.returncode, process.stdout) == (2, "")
    assert reason in process.stderr
    assert {*json.loads(process.stderr)["error"]} == {"what", "hint"}


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text("raise ModuleNotFoundError")
    process = ask("acme/tiny", tmp_path, PYTHONPATH=str(tmp_path))
    assert process.returncode == 2
    assert "pip install 'infercost[hub]'" in process.stderr
