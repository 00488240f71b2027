"""`alprhub serve`: take what vendors push."""

import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli.listening import listening
from alprhub.cli.output import console, failures
from hub.errors import Invalid
from hub.wiring import open_hub


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is every one of this machine.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8355,
    certificate: Annotated[Path | None, typer.Option(help="A file with the TLS certificate chain (PEM).")] = None,
    private_key: Annotated[Path | None, typer.Option(help="A file with its private key (PEM).")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front of it has the certificate and speaks TLS.")
    ] = False,
) -> None:
    """Take what vendors and cameras push to /in/CONNECTION, until told to end; /health says whether it can.

    Connections that are listened to (brokers, cameras that open a socket) are listened to for as long.

    Pushes bring secrets and plates: on another address than this machine's own it wants a certificate with its key, or
    to be told that a proxy has them.
    """
    from alprhub.web.app import web_app
    from alprhub.web.serving import serve as listen

    with failures():
        _guarded(host, certificate, private_key, behind_proxy)
        with (
            open_hub() as hub,
            listening(host, port) as listener,
            hub.ingest.receiving() as inbox,
            hub.ingest.listening(inbox),
        ):
            shown = f"[{host}]" if ":" in host else host
            console.print(f"http{'s' if certificate else ''}://{shown}:{listener.getsockname()[1]}/in/CONNECTION")
            listen(web_app(inbox), listener, certificate, private_key)


def _guarded(host: str, certificate: Path | None, private_key: Path | None, behind_proxy: bool) -> None:
    """Return where what is pushed is encrypted on its way, or does not leave this machine; raises `Invalid`."""
    if (certificate is None) != (private_key is None):
        given, lacking = ("certificate", "private-key") if certificate else ("private-key", "certificate")
        raise Invalid(f"--{given} was given without --{lacking}: TLS needs both")
    if certificate is not None and private_key is not None:
        for option, file in (("certificate", certificate), ("private-key", private_key)):
            if not file.is_file():
                raise Invalid(f"--{option}: there is no file {file}")
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, private_key)
        except (ssl.SSLError, ValueError):
            raise Invalid(
                f"--certificate {certificate} and --private-key {private_key} are no pair of PEM files: the first holds"
                " the certificate and those that signed it, the second the key of that certificate, without a password"
            ) from None
    elif not behind_proxy and not _is_this_machine(host):
        raise Invalid(
            f"--host {host}: without TLS, secrets and plates would cross the network in clear; give --certificate FILE"
            " and --private-key FILE, or --behind-proxy where a proxy in front of it speaks TLS"
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
