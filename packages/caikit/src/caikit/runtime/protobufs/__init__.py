"""Messages, stubs and servicers of services whose interfaces were published before the toolkit.

The modules have the names and the contents that protoc would give them. What is in them is made at import, so that
they work with whatever protobuf and grpcio are installed.
"""
