"""What any gRPC head on grpcio can hope for: python bare_grpcio.py PORT"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from messages import METHOD, Request, Score, Scores

SERVICE, NAME = METHOD.strip("/").split("/")


def predict(request: Request, context: grpc.ServicerContext) -> Scores:
    return Scores(results=[Score(label="POSITIVE", score=0.75), Score(label="NEGATIVE", score=0.25)])


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(100))
    handler = grpc.unary_unary_rpc_method_handler(predict, Request.FromString, Scores.SerializeToString)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {NAME: handler})])
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()
