"""TLS of `grpcio`."""

from __future__ import annotations

import grpc

from caikit.runtime._serving.tls import TlsMaterial, TlsSource, check_material


def server_credentials(tls: TlsSource) -> grpc.ServerCredentials:
    """Credentials with which new connections use the newest files."""
    newest = tls.watch(_configuration, "gRPC")
    given = newest.get()

    def renew() -> grpc.ServerCertificateConfiguration | None:
        """For each connection: the configuration if it is a new one."""
        nonlocal given
        if newest.get() is given:
            return None
        given = newest.get()
        return given

    # None stands for no change, which the type information does not know.
    return grpc.dynamic_ssl_server_credentials(given, renew, tls.mutual)  # type: ignore[arg-type]


def _configuration(tls: TlsMaterial) -> grpc.ServerCertificateConfiguration:
    check_material(tls)
    # The server's own certificate is trusted too, so that a probe can use the server's key pair.
    roots = None if tls.client_ca is None else tls.client_ca + b"\n" + tls.cert
    return grpc.ssl_server_certificate_configuration([(tls.key, tls.cert)], root_certificates=roots)
