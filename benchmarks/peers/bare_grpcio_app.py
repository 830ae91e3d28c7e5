"""What any gRPC server on grpcio can hope for: handlers in threads, nothing around them."""

from concurrent.futures import ThreadPoolExecutor

import answers
import grpc
from command_line import LONGEST_BODY, options
from messages import METHODS, Request, Score, Scores, Token, Vector


def tiny(request, context):
    return Scores(results=[Score(label=label, score=score) for label, score in answers.scores(request.text)])


def vector(request, context):
    return Vector(values=answers.numbers(request.text))


def tokens(request, context):
    for text in answers.tokens(request.text):
        yield Token(text=text)


HANDLERS = {
    "tiny": grpc.unary_unary_rpc_method_handler(tiny, Request.FromString, Scores.SerializeToString),
    "vector": grpc.unary_unary_rpc_method_handler(vector, Request.FromString, Vector.SerializeToString),
    "tokens": grpc.unary_stream_rpc_method_handler(tokens, Request.FromString, Token.SerializeToString),
}

if __name__ == "__main__":
    chosen = options(__doc__)
    server = grpc.server(ThreadPoolExecutor(100), options=[("grpc.max_receive_message_length", LONGEST_BODY)])
    service, name = METHODS[chosen.task].strip("/").split("/")
    handlers = {name: HANDLERS[chosen.task]}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    server.add_insecure_port(f"127.0.0.1:{chosen.grpc_port}")
    server.start()
    server.wait_for_termination()
