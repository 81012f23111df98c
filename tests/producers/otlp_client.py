"""An application with OpenTelemetry's SDK, as a process of its own: `python otlp_client.py http|grpc ENDPOINT RATE COUNT`."""

from __future__ import annotations

import logging
import sys
import time

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource


def main(transport: str, endpoint: str, rate: int, count: int) -> None:
    if transport == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as Grpc

        exporter = Grpc(endpoint=endpoint, insecure=True)
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as Http

        exporter = Http(endpoint=endpoint)
    provider = LoggerProvider(Resource({"service.name": "shop"}))
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, schedule_delay_millis=50, max_export_batch_size=2000, max_queue_size=count)
    )
    logger = logging.Logger("shop.pay")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    began = time.monotonic()
    for n in range(count):
        while n % 100 == 0 and time.monotonic() - began < n / rate:
            time.sleep(0.001)
        logger.warning("payment %d", n)
    print(count / (time.monotonic() - began))
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
