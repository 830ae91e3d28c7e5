"""The servers that are compared."""

from __future__ import annotations

from dataclasses import dataclass

TINY, BUSY, VECTOR, TOKENS, DEVICE = "tiny", "busy", "vector", "tokens", "device"
HTTP, GRPC = "http", "grpc"
_UNARY_AND_STREAM = (TINY, BUSY, VECTOR, TOKENS)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A program of peers/, the environment that it runs in, and what it can do."""

    name: str
    program: str
    environment: str
    distributions: tuple[str, ...]
    """Whose versions are reported."""
    protocols: tuple[str, ...] = (HTTP,)
    tasks: tuple[str, ...] = _UNARY_AND_STREAM
    variant: str = ""
    workers: bool = True
    """Whether it can have several of them."""
    ours: bool = False

    def label(self, protocol: str) -> str:
        return self.name if len(self.protocols) == 1 else f"{self.name}, {_PROTOCOL_NAMES[protocol]}"


def anybody(kind: Kind) -> bool:
    return True


def ourselves(kind: Kind) -> bool:
    return kind.ours


_PROTOCOL_NAMES = {HTTP: "HTTP", GRPC: "gRPC"}
_EVERYTHING = (*_UNARY_AND_STREAM, DEVICE)


def _caikit(variant: str) -> Kind:
    return Kind(
        name=f"caikit {variant}",
        program="caikit_app.py",
        environment="caikit",
        distributions=("caikit", "grpcio", "uvicorn"),
        protocols=(GRPC, HTTP),
        tasks=_EVERYTHING,
        variant=variant,
        ours=True,
    )


def _granian(variant: str) -> Kind:
    return Kind(
        name=f"Granian {variant.upper()}",
        program="granian_app.py",
        environment="granian",
        distributions=("granian",),
        variant=variant,
    )


KINDS = (
    _caikit("native"),
    _caikit("standard"),
    Kind(
        name="bare grpcio",
        program="bare_grpcio_app.py",
        environment="bare-grpcio",
        distributions=("grpcio", "protobuf"),
        protocols=(GRPC,),
        tasks=(TINY, VECTOR, TOKENS),
        workers=False,
    ),
    Kind(
        name="bare uvicorn",
        program="bare_uvicorn_app.py",
        environment="bare-uvicorn",
        distributions=("uvicorn", "uvloop", "httptools"),
    ),
    Kind(
        name="FastAPI",
        program="fastapi_app.py",
        environment="fastapi",
        distributions=("fastapi", "pydantic", "uvicorn"),
    ),
    _granian("rsgi"),
    _granian("asgi"),
    Kind(
        name="mosec",
        program="mosec_app.py",
        environment="mosec",
        distributions=("mosec",),
        tasks=_EVERYTHING,
    ),
    Kind(
        name="LitServe",
        program="litserve_app.py",
        environment="litserve",
        distributions=("litserve",),
        tasks=_EVERYTHING,
    ),
    Kind(
        name="BentoML",
        program="bentoml_app.py",
        environment="bentoml",
        distributions=("bentoml",),
        tasks=_EVERYTHING,
    ),
)
