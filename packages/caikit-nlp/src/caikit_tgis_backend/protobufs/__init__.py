"""Messages and stubs of `fmaas.GenerationService`.

The modules have the names and the contents that protoc would give them. What is in them is made at import from
`generation.proto`, so that they work with whatever protobuf and grpcio are installed.
"""
