"""Fixtures of the exporters' tests: a processor with something to show, and OTLP receivers."""

import gzip
import os
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceServicer
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from tests.patience import patience

from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor


def record(tracer: Tracer, count: int = 1, *, tenant: str = "t-1", agent: str = "finder") -> None:
    """Record invocations of a listing of publisher acme, by spans alone."""
    for _ in range(count):
        tracer.start_span(
            f"invoke_agent {agent}",
            attributes={
                names.OPERATION_NAME: names.INVOKE_AGENT,
                names.PUBLISHER_ID: "acme",
                names.AGENT_ID: agent,
                names.TENANT_ID: tenant,
                names.OUTCOME: names.SUCCESS,
            },
        ).end()


@pytest.fixture
def processor() -> AgentMetricsProcessor:
    """Return a processor that has counted seven invocations and holds nothing back."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    record(provider.get_tracer("test"), 7)
    return processor


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what the tests set themselves."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_")):
            monkeypatch.delenv(variable)


@dataclass
class Received:
    """What an OTLP receiver was sent."""

    url: str = ""
    spans: list[Span] = field(default_factory=list[Span])
    services: set[str] = field(default_factory=set[str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    resources: str = ""

    def add(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of a request and the services that they come from."""
        for of_resource in request.resource_spans:
            self.resources += str(of_resource.resource)
            for attribute in of_resource.resource.attributes:
                if attribute.key == "service.name":
                    self.services.add(attribute.value.string_value)
            for of_scope in of_resource.scope_spans:
                self.spans.extend(of_scope.spans)


@pytest.fixture
def grpc_receiver() -> Iterator[Received]:
    """Run an OTLP receiver that speaks gRPC."""
    received = Received()

    class Servicer(TraceServiceServicer):
        def Export(  # noqa: N802 - the method's name in the protocol
            self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
        ) -> ExportTraceServiceResponse:
            received.headers.update(
                {key: str(value) for key, value in context.invocation_metadata() or ()}
            )
            received.add(request)
            return ExportTraceServiceResponse()

    add = cast(
        "Callable[[TraceServiceServicer, grpc.Server], None]",
        vars(trace_service_pb2_grpc)["add_TraceServiceServicer_to_server"],  # not annotated
    )
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    add(Servicer(), server)
    received.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield received
    server.stop(grace=None).wait(patience())


@pytest.fixture
def http_receiver() -> Iterator[Received]:
    """Run an OTLP receiver that speaks HTTP with protobuf."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                received.headers.update({k.lower(): v for k, v in self.headers.items()})
                received.add(ExportTraceServiceRequest.FromString(body))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overrides
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        received.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield received
        server.shutdown()
        thread.join()
