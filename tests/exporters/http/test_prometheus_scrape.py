"""A real Prometheus scrapes the server over TLS with basic authentication, both parts."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import trustme
from tests.patience import patience
from tests.ports import free_port

from agent_analytics.exporters import start_http_server
from agent_analytics.processor import AgentMetricsProcessor

PROMETHEUS = shutil.which("prometheus")

SCRAPE = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: metrics
  scheme: https
  basic_auth: {{username: prom, password: "s3cret"}}
  tls_config: {{ca_file: ca.pem}}
  static_configs: [{{targets: ["{target}"]}}]
- job_name: sketches
  scheme: https
  metrics_path: /metrics/sketches
  basic_auth: {{username: prom, password: "s3cret"}}
  tls_config: {{ca_file: ca.pem}}
  static_configs: [{{targets: ["{target}"]}}]
- job_name: stranger
  scheme: https
  tls_config: {{ca_file: ca.pem}}
  static_configs: [{{targets: ["{target}"]}}]
"""


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something holds, for as long as a slow machine may need."""
    deadline = time.monotonic() + patience()
    while True:
        try:
            if what():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "Prometheus did not come to it"
        time.sleep(0.2)


@pytest.mark.servers
@pytest.mark.skipif(PROMETHEUS is None, reason="the prometheus binary is not installed")
def test_scrape(tmp_path: Path, processor: AgentMetricsProcessor) -> None:
    """Counts arrive as they are, registers from their own path, and strangers get nothing."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    hashed = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
        f"basic_auth_users: {{prom: {hashed}}}\n"
    )
    port = free_port()
    with start_http_server(processor, web_config=tmp_path / "web.yml") as server:
        target = f"127.0.0.1:{server.port}"
        (tmp_path / "prometheus.yml").write_text(SCRAPE.format(target=target))
        command = [
            str(PROMETHEUS),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as prometheus:
            try:

                def query(expression: str) -> list[str]:
                    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode(
                        {"query": expression}
                    )
                    with urllib.request.urlopen(url, timeout=patience()) as response:
                        found = json.load(response)["data"]["result"]
                    return [sample["value"][1] for sample in found]

                wait_for(lambda: query('up{job=~"metrics|sketches"}') == ["1", "1"])
                wait_for(lambda: query('up{job="stranger"}') == ["0"])
                assert query('marketplace_agent_invocations_total{outcome="success"}') == ["7"]
                assert query("count by (job) (marketplace_agent_sketch_register)") == ["1"]
                edges = query(
                    'count(marketplace_agent_invocation_duration_seconds_bucket{le="10.0",outcome="success"})'
                )
                assert edges == ["1"]
            finally:
                prometheus.terminate()
