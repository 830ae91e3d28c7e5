"""Worker processes: one program, several processes that serve on the same ports.

The supervisor starts them, looks after them and passes messages between them; it serves nothing itself and imports
neither a library nor a protocol. Each worker is a runtime as it would be alone, with a seat among the others.
"""
