"""Ask the server about two texts: python client.py [HOST:PORT]"""

import sys

import grpc
from caikit.runtime.service_factory import ServicePackageFactory

from text_sentiment.data_model import TextInput

target = sys.argv[1] if len(sys.argv) > 1 else "localhost:8085"
service = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)

with grpc.insecure_channel(target) as channel:
    stub = service.stub_class(channel)
    for text in ["I am not feeling well today!", "Today is a nice sunny day"]:
        request = service.messages.HuggingFaceSentimentTaskRequest(text_input=TextInput(text).to_proto())
        response = stub.HuggingFaceSentimentTaskPredict(
            request, metadata=[("mm-model-id", "text_sentiment")], timeout=30
        )
        print("Text:", text)
        print("RESPONSE:", response)
